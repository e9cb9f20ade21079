# SPDX-License-Identifier: Apache-2.0
"""`hocket lab house`: the layout of the repository in figures."""

from __future__ import annotations

from typing import Any

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from ..checkout import ROOT
from .figures import AsJson, Output, deliver, progress


def house(output: Output = None, as_json: AsJson = False) -> None:
    """Count lines, long functions, and imports that go astray.

    Product: firmware/hocket, firmware/boards, host and tools/hocket_tools; lab:
    tools/hocket_lab; tests: tests and robot_tests. Counted are all lines, with comments and
    blank ones, of Python, C, make, linker, .toml, .repl and Robot files, without what is
    generated, without models and data. Long files and functions are those of product and lab;
    a function's length goes from its def to its last line. Circles are counted among modules
    and among the folders of each package, upward imports by the contracts of pyproject.toml;
    imports in functions and for types alone count. Exit code 1 if there is one of either.
    """
    from ..house.measure import measure
    from ..needs import require

    require(packages={"grimp": "hocket[lab]"}, checkout=ROOT / "pyproject.toml")
    with progress("counting"):
        figures = measure(ROOT)
    deliver(figures, lambda console: _show(console, figures), output=output, as_json=as_json)
    if figures["import_circles"] or figures["upward_imports"]:
        raise typer.Exit(1)


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = plain_table("figure", "count")
    for name, value in figures.items():
        if isinstance(value, int):
            table.add_row(name, f"{value:,}")
    console.print(table)
    for title in ("long_files", "long_functions"):
        for name, length in sorted(figures[title].items(), key=lambda item: -item[1]):
            console.print(f"{length:5} {name}", markup=False, soft_wrap=True)
    for title in ("circles", "upward"):
        for line in figures[title]:
            console.print(f"{title}: {line}", markup=False, soft_wrap=True)
