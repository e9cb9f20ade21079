# SPDX-License-Identifier: Apache-2.0
"""Imports run one way, and what holds them to it notices when they do not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paths import ROOT

STOREYS = (
    "firmware/hocket", "host/hocket_host", "tools/hocket_tools", "tools/hocket_lab",
)  # fmt: skip


def only_sources(folder: str, names: list[str]) -> set[str]:
    return {n for n in names if not n.endswith(".py") and not (Path(folder) / n).is_dir()}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for storey in STOREYS:
        shutil.copytree(ROOT / storey, root / storey, ignore=only_sources)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def changed(copy: Path) -> Iterator[Callable[[str, str], None]]:
    """Adds text to a file of the copy, which the end of the test takes away again."""
    before: dict[Path, bytes | None] = {}

    def change(name: str, text: str) -> None:
        path = copy / name
        before[path] = path.read_bytes() if path.exists() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((before[path] or b"") + text.encode())

    yield change
    for path, content in before.items():
        if content is None:
            shutil.rmtree(path.parent)
        else:
            path.write_bytes(content)


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str((copy / storey).parent) for storey in STOREYS)
    environment = {**os.environ, "PYTHONPATH": paths, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def lint(copy: Path) -> subprocess.CompletedProcess[str]:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return run(copy, "-c", script, "--no-cache", "--no-logo")


def house(copy: Path) -> tuple[int, dict[str, Any]]:
    script = "from hocket_tools.cli import main; main()"
    done = run(copy, "-c", script, "lab", "house", "--json")
    return done.returncode, json.loads(done.stdout)


LAZY_STOREY = "\ndef later():\n    from hocket_tools import cli\n"
FOR_TYPES = "\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..pack import pack\n"
INDEPENDENT = "\ndef later():\n    from hocket_host.machines.unicorn import engine\n"


def test_imports_of_the_repository_keep_every_contract(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("host/hocket_host/units.py", LAZY_STOREY),
        ("tools/hocket_tools/text/tables.py", FOR_TYPES),
        ("host/hocket_host/machines/qemu/line.py", INDEPENDENT),
    ],
    ids=["storey, in a function", "room, for types alone", "independent rooms"],
)
def test_an_import_upward_is_noticed(
    copy: Path, changed: Callable[[str, str], None], file: str, text: str
) -> None:
    changed(file, text)
    assert lint(copy).returncode == 1
    code, figures = house(copy)
    assert code == 1
    assert figures["upward_imports"] == len(figures["upward"]) == 1


def test_a_circle_within_a_room_is_noticed(copy: Path, changed: Callable[[str, str], None]) -> None:
    clean = house(copy)[1]["import_circles"]
    changed("tools/hocket_tools/text/tables.py", "\nfrom . import schema_errors\n")
    changed("tools/hocket_tools/text/schema_errors.py", "\nfrom . import tables\n")
    assert lint(copy).returncode == 1
    code, figures = house(copy)
    assert code == 1
    assert figures["import_circles"] == clean + 1
    assert "hocket_tools.text.schema_errors <-> hocket_tools.text.tables" in figures["circles"]


def test_a_room_without_a_place_is_noticed(copy: Path, changed: Callable[[str, str], None]) -> None:
    changed("tools/hocket_tools/attic/__init__.py", "# Nothing.\n")
    done = lint(copy)
    assert done.returncode == 1
    assert "attic" in done.stdout
