# SPDX-License-Identifier: Apache-2.0
"""One command line: light to start, and the only one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from hocket_lab.generate import files
from hocket_lab.generate.files import GENERATED, stale
from paths import ROOT

#: Imported by commands when they run, and too heavy to wait for before.
HEAVY = ("numpy", "numba", "ethosu", "tflite_micro", "construct", "unicorn", "matplotlib")


def test_the_command_line_starts_without_heavy_packages() -> None:
    script = f"import hocket_tools.cli, sys; print(*(m for m in {HEAVY} if m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_nothing_but_workers_of_subprocesses_is_run_as_a_module() -> None:
    mains = {
        path.name
        for path in (ROOT / "tools").rglob("*.py")
        if re.search(r'__name__ == "__main__"|import argparse', path.read_text())
        or path.name == "__main__.py"
    }
    assert mains <= {"_worker.py", "packing.py"}


def test_every_target_of_the_makefile_calls_a_command_that_there_is(
    hocket: Callable[..., Any],
) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in sorted(set(re.findall(r"/hocket ((?:lab |firmware )?[a-z-]+)", makefile))):
        assert hocket(*command.split(), "--help").code == 0, command


def test_generated_files_are_current(hocket: Callable[..., Any]) -> None:
    assert hocket("lab", "generate", "--check").code == 0


def test_every_module_of_the_firmware_with_copies_of_constants_is_generated() -> None:
    for file in (ROOT / "firmware" / "hocket").rglob("*.py"):
        if "  # as port._MASK\n" in file.read_text():
            assert file.relative_to(ROOT).as_posix() in GENERATED


def test_a_copy_is_made_of_what_was_generated_before_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, hocket: Callable[..., Any]
) -> None:
    layout, port = next(iter(GENERATED)), "firmware/hocket/port.py"
    folder = tmp_path / "firmware" / "hocket"
    folder.mkdir(parents=True)
    (folder / "port.py").write_text("_READ_ONLY = const(9)  # as _layout.REGION_KIND_READ_ONLY\n")
    monkeypatch.setattr(files.stale, "__defaults__", (files.silent, tmp_path))
    monkeypatch.setattr(files, "_FIRMWARE", folder)
    copied = files.Generated(lambda: files._copied(folder / "port.py"))
    monkeypatch.setitem(GENERATED, port, copied)
    assert hocket("lab", "generate", layout, port).code == 0
    assert (folder / "port.py").read_text().startswith("_READ_ONLY = const(1)  # as")


def test_a_stale_file_is_told_and_left_or_written(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, hocket: Callable[..., Any]
) -> None:
    name = next(iter(GENERATED))
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    file.write_text("stale")
    monkeypatch.setattr(files.stale, "__defaults__", (files.silent, tmp_path))
    said = hocket("lab", "generate", "--check", name)
    assert said.code == 1
    assert f"{file} is not current" in said.err
    assert file.read_text() == "stale"
    assert hocket("lab", "generate", name).code == 0
    assert list(stale([name], root=tmp_path)) == []


def test_an_unknown_file_is_told_with_those_that_there_are(hocket: Callable[..., Any]) -> None:
    said = hocket("lab", "generate", "README.md")
    assert said.code == 2
    assert "docs/operators.md" in said.err
