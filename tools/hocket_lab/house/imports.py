# SPDX-License-Identifier: Apache-2.0
"""Imports that run in a circle or upward, by the contracts that the project file holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from grimp import ImportGraph

Circle = tuple[str, ...]


def graph_of(root_packages: tuple[str, ...]) -> ImportGraph:
    """Every import of some packages, those in functions and those for types alone too."""
    import grimp

    return grimp.build_graph(*root_packages, cache_dir=None)


def circles(graph: ImportGraph, packages: tuple[str, ...]) -> list[Circle]:
    """Circles among modules, and among the folders and modules of each package."""
    modules = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    found = set(_circles(modules))
    for package in sorted(graph.modules):
        if any(package == p or package.startswith(f"{p}.") for p in packages):
            found.update(_circles(_siblings(graph, package)))
    return sorted(found)


def upward(graph: ImportGraph, project: Path) -> list[tuple[str, str]]:
    """Imports from a lower layer to a higher one, or between layers that are independent."""
    with project.open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    found: set[tuple[str, str]] = set()
    for contract in contracts:
        if contract["type"] == "layers":
            for container in contract.get("containers", [""]):
                found.update(_upward(graph, container, contract["layers"]))
    return sorted(found)


def _siblings(graph: ImportGraph, package: str) -> dict[str, set[str]]:
    """What each folder or module of a package imports of the others."""
    edges: dict[str, set[str]] = {child: set() for child in graph.find_children(package)}

    def owner(module: str) -> str:
        head = module[len(package) + 1 :].split(".", maxsplit=1)[0]
        return f"{package}.{head}"

    for importer in graph.find_descendants(package):
        for imported in graph.find_modules_directly_imported_by(importer):
            if imported.startswith(f"{package}.") and owner(importer) != owner(imported):
                edges[owner(importer)].add(owner(imported))
    return edges


def _circles(edges: Mapping[str, set[str]]) -> Iterator[Circle]:
    """Groups of nodes of which each reaches all others."""
    reached = {node: _reached(edges, node) for node in edges}
    for node, others in reached.items():
        group = {other for other in others if node in reached[other]} | {node}
        if len(group) > 1 and node == min(group):
            yield tuple(sorted(group))


def _reached(edges: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        for node in edges[left.pop()] - found:
            found.add(node)
            left.append(node)
    return found


def _upward(graph: ImportGraph, container: str, layers: list[str]) -> Iterator[tuple[str, str]]:
    prefix = f"{container}." if container else ""
    rank: dict[str, int] = {}
    for height, layer in enumerate(layers):
        for name in layer.replace(":", "|").split("|"):
            rank[prefix + name.strip().strip("()")] = height
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = _owner(importer, rank), _owner(imported, rank)
            if one and other and one != other and rank[one] >= rank[other]:
                yield importer, imported


def _owner(module: str, rank: Mapping[str, Any]) -> str | None:
    return next((n for n in rank if module == n or module.startswith(f"{n}.")), None)
