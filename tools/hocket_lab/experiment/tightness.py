# SPDX-License-Identifier: Apache-2.0
"""How far bounds lie above what is seen, for networks on both units."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from hocket_tools.prove import analyse
from hocket_tools.prove.taskset import Policy

from ..progress import Report, silent
from .adversary import observe
from .mixed import draw_mixed
from .oracle import disagreements

_POLICIES: tuple[Policy, ...] = ("fp", "edf")
_TRIES = 20


@dataclass(frozen=True)
class Compared:
    """A task's bound beside the longest response that was found."""

    bound_ns: int | None
    seen_ns: int

    @property
    def ratio(self) -> float | None:
        """Bound over observed; None without a bound."""
        return None if self.bound_ns is None else self.bound_ns / self.seen_ns


def compare(seed: int) -> list[Compared]:
    """Every task of a random set, by turns under fixed priorities and EDF."""
    drawn = draw_mixed(seed, _POLICIES[seed % len(_POLICIES)])
    found = zip(analyse(drawn).tasks, observe(drawn, _TRIES), strict=True)
    return [Compared(task.bound_ns, seen) for task, seen in found]


def tightness(sets: int, seed: int, report: Report = silent) -> dict[str, Any]:
    """Figures over random sets, and how often a verified analysis says something else."""
    compared: list[Compared] = []
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        seeds = range(seed * 1_000_003, seed * 1_000_003 + sets)
        for done, found in enumerate(pool.map(compare, seeds)):
            report("sets on both units", done, sets)
            compared += found
    report("verified analysis")
    return {**ratios(compared), "sets": sets, "pyrta_disagreements": disagreements(sets, seed)}


def ratios(compared: Sequence[Compared]) -> dict[str, Any]:
    """Median, 95th percentile and least of bound over observed; tasks without a bound."""
    found = sorted(ratio for each in compared if (ratio := each.ratio) is not None)
    return {
        "mixed_bound_over_observed": {
            "median": statistics.median(found),
            "p95": found[len(found) * 95 // 100],
            "min": found[0],
        },
        "mixed_tasks": len(compared),
        "mixed_tasks_without_bound": len(compared) - len(found),
    }
