# SPDX-License-Identifier: Apache-2.0
"""Which module of the firmware imports which: no circles, and rooms only downward."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[2] / "firmware"
FILES = {
    ".".join(file.relative_to(FIRMWARE).with_suffix("").parts): file
    for file in sorted((FIRMWARE / "hocket").rglob("*.py"))
    if file != FIRMWARE / "hocket" / "__init__.py"  # names every module, imports none by itself
}
MODULES = {name.removesuffix(".__init__"): file for name, file in FILES.items()}


def imported(name: str) -> set[str]:
    """Modules that one imports anywhere in it: in functions, too."""
    file = MODULES[name]
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            names = {f"{whole}.{alias.name}" for alias in node.names}
            found |= names & MODULES.keys() or {whole}
    return found & MODULES.keys() - {name}


GRAPH = {name: imported(name) for name in MODULES}


def room(name: str) -> str:
    """The folder that a module lies in."""
    return MODULES[name].parent.relative_to(FIRMWARE).as_posix()


def test_imports_are_seen() -> None:
    assert "hocket.mixed" in GRAPH["hocket.nets"]  # in a function
    assert "hocket.ops" in GRAPH["hocket.programs"]
    assert "hocket._layout" in GRAPH["hocket._reader"]
    assert "hocket.ops.dense" in GRAPH["hocket.ops.conv"]


def test_no_module_imports_itself_by_way_of_others() -> None:
    TopologicalSorter(GRAPH).prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("name", [name for name in GRAPH if room(name) != "hocket"])
def test_operators_and_features_import_nothing_from_outside_their_room(name: str) -> None:
    assert {room(other) for other in GRAPH[name]} <= {room(name)}
