# SPDX-License-Identifier: Apache-2.0
"""Every one-operator case against tflite_micro.

On CPython over the shims, on MicroPython, and on the ARM image where it is built; there, what steps
and inferences take is compared with what they were packed for.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError
from hocket_host.machines import micropython
from hocket_host.missing import Missing
from hocket_tools.cpu.costs import STEP_CYCLES
from hocket_tools.cpu.registry import kinds

from ..checkout import FIRMWARE
from ..progress import Report, silent
from .arm import available, run_on_arm
from .cases import CASES, Comparison, Refused, compare
from .check import Job, run_on_cpython, run_on_micropython

#: Jobs that a platform is given at once.
_BATCH = 60


def missing(firmware: Path) -> dict[str, Missing | None]:
    """What each platform lacks here; None if nothing."""
    return {"cpython": None, "micropython": micropython.missing(), "arm": available(firmware)}


def _run(platform: str, jobs: Sequence[Job], firmware: Path) -> list[dict[str, Any]]:
    if platform == "arm":
        return run_on_arm(jobs, firmware)
    return run_on_cpython(jobs) if platform == "cpython" else run_on_micropython(jobs)


def measure(
    pattern: str = "",
    platforms: Sequence[str] = ("micropython",),
    report: Report = silent,
    *,
    firmware: Path = FIRMWARE,
) -> dict[str, Any]:
    """Compare every case whose id holds `pattern`.

    Parameters
    ----------
    pattern
        Part of a case's id; empty for all.
    platforms
        Of ``cpython``, ``micropython`` and ``arm``.
    report
        Told of each batch.
    firmware
        The ARM image.

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
    report("packing")
    ways, refused = _ways(pattern)
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in platforms}
    taken_ns = {}
    for name in platforms:
        start_ns = time.monotonic_ns()
        jobs = [way.shorter_job if name == "arm" else way.job for way in ways]
        for at in range(0, len(ways), _BATCH):
            report(name, at, len(ways))
            results[name] += _run(name, jobs[at : at + _BATCH], firmware)
        taken_ns[name] = time.monotonic_ns() - start_ns
    return {
        "operators": _by_operator(ways, list(results.values())),
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


def _ways(pattern: str) -> tuple[list[Comparison], dict[str, str]]:
    """Every primitive of every case whose id holds a pattern, and why cases are left out."""
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
    if not ways:
        raise HocketError(
            "no case was compared", found=f"{len(refused)} refused",
            expected="a case whose id holds " + repr(pattern), try_="leave --cases out",
        )  # fmt: skip
    return ways, refused


def _by_operator(
    ways: Sequence[Comparison], results: Sequence[Sequence[dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """Sums by operator and types, over the results of every platform."""
    rows: dict[tuple[str, str], list[tuple[Comparison, int, int]]] = defaultdict(list)
    for i, way in enumerate(ways):
        types = f"{way.case.dtype} to {way.source.outputs[0].dtype}"
        mismatches = sum(found[i]["mismatches"] for found in results)
        elements = max(found[i]["elements"] for found in results)
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
    return operators


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


def failed(figures: dict[str, Any]) -> bool:
    """Whether anything differs, or took longer than it was packed for."""
    timed = ("underestimated_steps", "underestimated_inferences")
    return bool(
        figures["mismatches"]
        or any(summary.get(key) for summary in figures["platforms"].values() for key in timed)
    )
