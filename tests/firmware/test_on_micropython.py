# SPDX-License-Identifier: Apache-2.0
"""The device's tests, and the import of every module, on a real MicroPython virtual machine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
FILES = sorted(file.stem for file in HERE.glob("test_device_*.py"))
MODULES = sorted(file.stem for file in (FIRMWARE / "hocket").glob("*.py"))


def micropython(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "micropython", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def count_tests(file: Path) -> int:
    body = ast.parse(file.read_text()).body
    return sum(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in body)


@pytest.mark.parametrize("name", FILES)
def test_file_passes_on_the_virtual_machine(name: str) -> None:
    run = micropython(str(HERE / "run_on_vm.py"), str(FIRMWARE), str(HERE), name)
    assert (run.returncode, run.stdout.split()) == (
        0,
        ["passed", str(count_tests(HERE / f"{name}.py"))],
    ), run.stdout + run.stderr


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__init__"])
def test_module_imports_first_on_the_virtual_machine(name: str) -> None:
    script = f"import sys; sys.path.insert(0, {str(FIRMWARE)!r}); import hocket.{name}"
    run = micropython("-c", script)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_lazy_export_is_there_on_the_virtual_machine() -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(FIRMWARE)!r}); import hocket\n"
        "for name in hocket._attrs: getattr(hocket, name)"
    )
    run = micropython("-c", script)
    assert run.returncode == 0, run.stdout + run.stderr
