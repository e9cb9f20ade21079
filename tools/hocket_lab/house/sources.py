# SPDX-License-Identifier: Apache-2.0
"""Which files belong to what, and how long they and their functions are."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..generate.files import GENERATED

PRODUCT = ("firmware/hocket", "firmware/boards", "host", "tools/hocket_tools")
LAB = ("tools/hocket_lab",)
TESTS = ("tests", "robot_tests")

_CODE = {".py", ".pyi", ".c", ".h", ".S", ".ld", ".mk", ".toml", ".repl"}
_SUITES = {".robot", ".resource"}
_WHOLLY_GENERATED = {name for name, file in GENERATED.items() if not file.in_part}
_WORDS_OF_DATA = ("models", "data")
LONG_FILE, LONG_FUNCTION = 400, 60


def files(root: Path, folders: Iterable[str]) -> list[Path]:
    """Source files of some folders, without what is generated and without data."""
    return sorted(
        path
        for folder in folders
        for path in (root / folder).rglob("*")
        if (path.suffix in _CODE | _SUITES or path.name == "Makefile")
        and str(path.relative_to(root)) not in _WHOLLY_GENERATED
        and not {"__pycache__", *_WORDS_OF_DATA} & set(path.relative_to(root).parts)
    )


def lines(path: Path) -> int:
    """Lines of a file, with comments and blank ones."""
    return len(path.read_bytes().splitlines())


def long_files(paths: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    """Files beyond `LONG_FILE` lines."""
    for path in paths:
        length = lines(path)
        if length > LONG_FILE:
            yield path, length


def long_functions(paths: Iterable[Path]) -> Iterator[tuple[Path, str, int]]:
    """Functions of Python files beyond `LONG_FUNCTION` lines, from ``def`` to the last line."""
    for path in paths:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONG_FUNCTION:
                    yield path, node.name, length
