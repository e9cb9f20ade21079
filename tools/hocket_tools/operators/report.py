# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_tools.operators.report``: every case against tflite_micro, on MicroPython."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hocket_host.errors import HocketError

from .cases import CASES, Comparison, Refused, compare
from .check import run_on_cpython, run_on_micropython
from .registry import kinds

#: Jobs that the virtual machine is given at once.
_BATCH = 60


def measure(pattern: str = "", *, cpython: bool = False) -> dict[str, Any]:
    """Compare every case whose id holds `pattern`.

    Parameters
    ----------
    pattern
        Part of a case's id; empty for all.
    cpython
        Run on CPython over the shims rather than on MicroPython, which takes minutes.

    Returns
    -------
    dict
        ``operators``: by operator, then by its input's type: cases, comparisons (cases times
        primitives), elements, mismatches and primitives. ``not_compared``: reason by case.
        ``cases`` and ``mismatches``: sums. ``kinds``: every operator with an implementation.
    """
    ways: list[Comparison] = []
    refused: dict[str, str] = {}
    for name, case in sorted(CASES.items()):
        if pattern not in name:
            continue
        found = compare(case)
        if isinstance(found, Refused):
            refused[name] = found.reason
        else:
            ways += found
    run = run_on_cpython if cpython else run_on_micropython
    results: list[dict[str, Any]] = []
    for at in range(0, len(ways), _BATCH):
        results += run([way.job for way in ways[at : at + _BATCH]])
    rows: dict[tuple[str, str], list[tuple[Comparison, dict[str, Any]]]] = defaultdict(list)
    for way, result in zip(ways, results, strict=True):
        types = f"{way.case.dtype} to {way.source.outputs[0].dtype}"
        rows[way.source.kind, types].append((way, result))
    operators: dict[str, dict[str, Any]] = {}
    for (kind, types), pairs in sorted(rows.items()):
        operators.setdefault(kind, {})[types] = {
            "cases": len({way.case.id for way, _ in pairs}),
            "comparisons": len(pairs),
            "elements": sum(r["elements"] for _, r in pairs),
            "mismatches": sum(r["mismatches"] for _, r in pairs),
            "primitives": sorted({way.packed.primitive for way, _ in pairs}),
            "differing_cases": sorted({way.case.id for way, r in pairs if r["mismatches"]}),
        }
    return {
        "operators": operators,
        "kinds": list(kinds()),
        "cases": len({way.case.id for way in ways}),
        "comparisons": len(ways),
        "mismatches": sum(r["mismatches"] for r in results),
        "interpreter": "CPython" if cpython else "MicroPython",
        "not_compared": refused,
    }


def _print(console: Console, figures: dict[str, Any]) -> None:
    table = Table("operator", "types", "cases", "primitives", "bytes", "mismatches")
    for kind, types in figures["operators"].items():
        for name, row in types.items():
            table.add_row(
                kind,
                name,
                str(row["cases"]),
                ", ".join(row["primitives"]),
                str(row["elements"]),
                str(row["mismatches"]),
            )
    console.print(table)
    for name, reason in figures["not_compared"].items():
        console.print(f"{name} not compared: {reason}", markup=False, highlight=False)
    for name in ("cases", "comparisons", "mismatches", "interpreter"):
        console.print(f"{name:<12} {figures[name]}", highlight=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit status is 1 when anything differs."""
    parser = argparse.ArgumentParser(
        prog="python -m hocket_tools.operators.report",
        description="Compare the processor's operators with tflite_micro, byte for byte.",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="also write the figures as JSON"
    )
    parser.add_argument(
        "--cases", default="", metavar="PART", help="only cases whose id holds this"
    )
    parser.add_argument("--cpython", action="store_true", help="on CPython instead of MicroPython")
    arguments = parser.parse_args(argv)
    console, errors = Console(), Console(stderr=True)
    try:
        with errors.status("comparing"):
            figures = measure(arguments.cases, cpython=arguments.cpython)
    except HocketError as error:
        errors.print(str(error), markup=False, highlight=False)
        return 2
    _print(console, figures)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["mismatches"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
