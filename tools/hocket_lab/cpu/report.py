# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.cpu.report``: every case against tflite_micro.

On CPython over the shims, on MicroPython, and on the ARM image where it is built; there, what steps
and inferences take is compared with what they were packed for.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hocket_host.errors import HocketError
from hocket_tools.cpu.costs import STEP_CYCLES
from hocket_tools.cpu.registry import kinds

from .arm import available, run_on_arm
from .cases import CASES, Comparison, Refused, compare
from .check import Job, run_on_cpython, run_on_micropython

#: Jobs that a platform is given at once.
_BATCH = 60

PLATFORMS = ("cpython", "micropython", "arm")


def _on_arm(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    return run_on_arm(jobs)


_RUN: dict[str, Callable[[Sequence[Job]], list[dict[str, Any]]]] = {
    "cpython": run_on_cpython,
    "micropython": run_on_micropython,
    "arm": _on_arm,
}


def platforms_here() -> dict[str, str | None]:
    """Every platform, and why it cannot run here, or None where it can."""
    return {name: available() if name == "arm" else None for name in PLATFORMS}


def measure(
    pattern: str = "",
    platforms: Sequence[str] = ("micropython",),
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Compare every case whose id holds `pattern`.

    Parameters
    ----------
    pattern
        Part of a case's id; empty for all.
    platforms
        Of `PLATFORMS`.
    report
        Called with a line at each stage.

    Returns
    -------
    dict
        ``operators``: by operator, then by its input's type: cases, comparisons (cases times
        primitives), elements, mismatches and primitives. ``platforms``: by platform, comparisons,
        mismatches and nanoseconds on this machine; for ``arm`` also the comparisons whose longest
        step, or whose inference, took longer than was estimated. ``beyond_a_step``: cases of which
        every primitive has a step beyond ``step_bound_cycles``. ``not_compared``: reason by case.
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
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in platforms}
    taken_ns = {}
    for name in platforms:
        start_ns = time.monotonic_ns()
        jobs = [way.shorter_job if name == "arm" else way.job for way in ways]
        for at in range(0, len(ways), _BATCH):
            report(f"{name}: {at} of {len(ways)}")
            results[name] += _RUN[name](jobs[at : at + _BATCH])
        taken_ns[name] = time.monotonic_ns() - start_ns
    rows: dict[tuple[str, str], list[tuple[Comparison, int, int]]] = defaultdict(list)
    for i, way in enumerate(ways):
        types = f"{way.case.dtype} to {way.source.outputs[0].dtype}"
        mismatches = sum(found[i]["mismatches"] for found in results.values())
        elements = max(found[i]["elements"] for found in results.values())
        rows[way.source.kind, types].append((way, elements, mismatches))
    operators: dict[str, dict[str, Any]] = {}
    for (kind, types), found_rows in sorted(rows.items()):
        operators.setdefault(kind, {})[types] = {
            "cases": len({way.case.id for way, _, _ in found_rows}),
            "comparisons": len(found_rows),
            "elements": sum(elements for _, elements, _ in found_rows),
            "mismatches": sum(differing for _, _, differing in found_rows),
            "primitives": sorted({way.packed.primitive for way, _, _ in found_rows}),
            "differing_cases": sorted({way.case.id for way, _, n in found_rows if n}),
        }
    return {
        "operators": operators,
        "kinds": list(kinds()),
        "cases": len({way.case.id for way in ways}),
        "comparisons": len(ways),
        "mismatches": sum(r["mismatches"] for found in results.values() for r in found),
        "platforms": {
            name: {**_summary(ways, found), "host_ns": taken_ns[name]}
            for name, found in results.items()
        },
        "step_bound_cycles": STEP_CYCLES,
        "beyond_a_step": _beyond_a_step(ways),
        "not_compared": refused,
    }


def _beyond_a_step(ways: Sequence[Comparison]) -> list[str]:
    shortest: dict[str, int] = {}
    for way in ways:
        steps = (shortest.get(way.case.id), way.packed.step_cycles)
        shortest[way.case.id] = min(cycles for cycles in steps if cycles is not None)
    return sorted(name for name, cycles in shortest.items() if cycles > STEP_CYCLES)


def _summary(ways: Sequence[Comparison], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "comparisons": len(results),
        "mismatches": sum(r["mismatches"] for r in results),
    }
    timed = [(w.packed, r) for w, r in zip(ways, results, strict=True) if "step_cycles" in r]
    if timed:
        summary["longest_step_cycles"] = max(r["step_cycles"] for _, r in timed)
        summary["underestimated_steps"] = sorted(
            r["id"] for packed, r in timed if r["step_cycles"] > packed.step_cycles
        )
        summary["underestimated_inferences"] = sorted(
            r["id"] for packed, r in timed if r["cycles"] > packed.cycles
        )
    return summary


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
    for name in ("cases", "comparisons", "mismatches"):
        console.print(f"{name:<12} {figures[name]}", highlight=False)
    for name in figures["beyond_a_step"]:
        console.print(f"{name}: a step is longer than {figures['step_bound_cycles']} cycles")
    for name, summary in figures["platforms"].items():
        text = ", ".join(
            f"{key.replace('_', ' ')} {len(value) if isinstance(value, list) else value}"
            for key, value in summary.items()
        )
        console.print(f"{name:<12} {text}", highlight=False)
    for name, why in figures["not_run"].items():
        console.print(f"{name:<12} not run: {why}", markup=False, highlight=False)


def failed(figures: dict[str, Any]) -> bool:
    """Whether anything differs, or took longer than it was packed for."""
    timed = ("underestimated_steps", "underestimated_inferences")
    return bool(
        figures["mismatches"]
        or any(summary.get(key) for summary in figures["platforms"].values() for key in timed)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit status is 1 when anything differs or takes longer than its estimate."""
    parser = argparse.ArgumentParser(
        prog="python -m hocket_lab.cpu.report",
        description="Compare the processor's operators with tflite_micro, byte for byte.",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="also write the figures as JSON"
    )
    parser.add_argument(
        "--cases", default="", metavar="PART", help="only cases whose id holds this"
    )
    parser.add_argument(
        "--platform", action="append", choices=PLATFORMS, metavar="NAME",
        help=f"one of {', '.join(PLATFORMS)}; may be repeated; by default all that can run here",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    console, errors = Console(), Console(stderr=True)
    try:
        lacking = {name: why for name, why in platforms_here().items() if why is not None}
        chosen = arguments.platform or [name for name in PLATFORMS if name not in lacking]
        with errors.status("comparing") as status:
            figures = measure(arguments.cases, chosen, status.update)
        figures["not_run"] = {name: why for name, why in lacking.items() if name not in chosen}
    except HocketError as error:
        errors.print(str(error), markup=False, highlight=False)
        return 2
    _print(console, figures)
    if arguments.output is not None:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if failed(figures) else 0


if __name__ == "__main__":
    raise SystemExit(main())
