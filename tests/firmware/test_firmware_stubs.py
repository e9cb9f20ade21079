# SPDX-License-Identifier: Apache-2.0
"""Stubs of the device API say what its sources do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hocket

PACKAGE = Path(__file__).parents[2] / "firmware" / "hocket"
STUBS = sorted(PACKAGE.rglob("*.pyi"))

# The package's modules run over the shims; the stubs lie apart, so that no source is type-checked.
CHECK = """
import sys
from hocket_host.machines.cpython.shims import install
from hocket_host.machines.cpython.process_memory import ProcessMemory
from mypy import stubtest

install(ProcessMemory())
options = ["--ignore-missing-stub", "--concise", "hocket"]
sys.exit(stubtest.test_stubs(stubtest.parse_options(options)))
"""


def stubtest(folder: Path, changes: dict[str, tuple[str, str]]) -> subprocess.CompletedProcess[str]:
    for stub in STUBS:
        copied = folder / "hocket" / stub.relative_to(PACKAGE)
        copied.parent.mkdir(parents=True, exist_ok=True)
        old, new = changes.get(stub.stem, ("", ""))
        assert old in stub.read_text()
        copied.write_text(stub.read_text().replace(old, new) if old else stub.read_text())
    return subprocess.run(
        [sys.executable, "-c", CHECK],
        env={"MYPYPATH": str(folder), "PYTHONPATH": ":".join(sys.path), "PATH": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_stubs_agree_with_the_modules(tmp_path: Path) -> None:
    run = stubtest(tmp_path, {})
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("module", "old", "new", "told"),
    [
        ("kernel", "name: str) -> Net", "called: str) -> Net", "hocket.kernel.Kernel.net"),
        ("sync", "def is_set", "def was_set", "hocket.sync.Event.was_set"),
        ("trace", "capacity: int = 256", "capacity: int = 255", "hocket.trace.Trace.__init__"),
    ],
)
def test_a_stub_that_disagrees_is_told(
    tmp_path: Path, module: str, old: str, new: str, told: str
) -> None:
    run = stubtest(tmp_path, {module: (old, new)})
    assert run.returncode == 1
    assert told in run.stdout


def test_the_package_s_stub_names_all_that_it_loads() -> None:
    body = ast.parse((PACKAGE / "__init__.pyi").read_text()).body
    names = {a.name: n.module for n in body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert names.pop("App") == "container"  # what load() returns
    assert names == hocket._attrs
    for name in names:
        assert getattr(hocket, name)


def attributes(stub: Path) -> list[tuple[str, str]]:
    return [
        (node.name, item.target.id)
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]


@pytest.mark.parametrize("stub", STUBS, ids=lambda stub: str(stub.relative_to(PACKAGE)))
def test_attributes_of_a_stub_are_assigned_in_the_source(stub: Path) -> None:
    source = stub.with_suffix(".py").read_text()
    if stub.stem == "stats":
        source += (PACKAGE / "agenda.py").read_text()  # names of the statistics
    for owner, name in attributes(stub):
        assert f"class {owner}" in source
        assert re.search(rf'(\w\.{name} = |^    {name} = |"{name}")|\.{name}, ', source, re.M), name
