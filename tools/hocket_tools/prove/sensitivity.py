# SPDX-License-Identifier: Apache-2.0
"""How far a task set is from missing a deadline."""

from __future__ import annotations

from fractions import Fraction

from .response import analyse
from .taskset import TaskSet
from .work import ANALYSIS, Work

STEPS = 10_000
"""Factors are looked for in steps of one over this."""
_LIMIT = 1_000
_WORK = 4 * ANALYSIS


def largest_scale(taskset: TaskSet) -> Fraction:
    """Largest factor by which all execution times may grow with every deadline still proved.

    Segments, CPU times and the board's costs grow alike. Below 1, the set is not schedulable, and
    the factor is what would have to be saved. By bisection; 0 if nothing helps, at most 1000. Where
    that takes too many steps, a smaller factor with which all is proved.
    """
    work = Work(_WORK)
    proof = analyse(taskset, work)
    heaviest = max(proof.npu_utilisation, proof.cpu_utilisation)
    # Nothing can hold once either resource is full.
    too_much = min(int(STEPS / heaviest) + 1, _LIMIT * STEPS)
    enough = 0
    while too_much - enough > 1:
        middle = (enough + too_much) // 2
        if analyse(taskset.scaled(middle, STEPS), work).schedulable:
            enough = middle
        else:
            too_much = middle
    return Fraction(enough, STEPS)
