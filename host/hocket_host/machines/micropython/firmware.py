# SPDX-License-Identifier: Apache-2.0
"""The firmware's source as it runs here: what reaches registers is left to the interpreter.

In viper a pointer from an address is a load or store of the CPU, which has no registers of
an NPU. Such functions cast ``base`` or ``_base``, the firmware's name for where registers are; they
lose their decorator, and the casts become calls that ``guest.py`` provides.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

_CASTS = {"ptr8", "ptr16", "ptr32"}
_ADDRESSES = {"base", "_base"}
_VIPER = "micropython.viper"


def reaches_registers(function: ast.FunctionDef) -> bool:
    """Whether a function casts an address."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _CASTS:
            (argument,) = node.args
            name = argument.attr if isinstance(argument, ast.Attribute) else ast.unparse(argument)
            if name in _ADDRESSES:
                return True
    return False


def interpreted(source: str) -> str:
    """A module without the decorator of viper on what reaches registers; lines stay lines."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and reaches_registers(node):
            for decorator in node.decorator_list:
                if ast.unparse(decorator) == _VIPER:
                    lines[decorator.lineno - 1] = "\n"
    return "".join(lines)


def prepare(package: Path, folder: Path) -> None:
    """Copy the device package into a folder in the way that it runs here."""
    target = folder / package.name
    shutil.copytree(package, target, ignore=shutil.ignore_patterns("__pycache__"))
    for file in target.rglob("*.py"):
        file.write_text(interpreted(file.read_text()))
