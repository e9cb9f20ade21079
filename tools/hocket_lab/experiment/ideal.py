# SPDX-License-Identifier: Apache-2.0
"""An NPU that can be taken away at any instant at no cost: what no real one can do better than.

Exact tests for independent periodic tasks with deadlines no longer than periods: response times
under fixed priorities (Joseph and Pandya 1986; Audsley et al. 1993), processor demand under EDF
(Baruah, Rosier and Howell 1990), which for deadlines equal to periods is a utilisation up to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class IdealTask:
    """Execution time, period and deadline in ns; the deadline is at most the period."""

    cost_ns: int
    period_ns: int
    deadline_ns: int


def fixed_priority_holds(tasks: Sequence[IdealTask]) -> bool:
    """Whether all deadlines hold, the most urgent task first."""
    for index, task in enumerate(tasks):
        response = task.cost_ns
        while True:
            longer = task.cost_ns + sum(
                -(-response // other.period_ns) * other.cost_ns for other in tasks[:index]
            )
            if longer > task.deadline_ns:
                return False
            if longer == response:
                break
            response = longer
    return True


def edf_holds(tasks: Sequence[IdealTask]) -> bool:
    """Whether all deadlines hold when deadlines equal periods."""
    return sum(Fraction(task.cost_ns, task.period_ns) for task in tasks) <= 1
