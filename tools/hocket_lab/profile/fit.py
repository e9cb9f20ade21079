# SPDX-License-Identifier: Apache-2.0
"""Costs of units from measured runs: the least that are nowhere too small.

For every measurement, the counts of units times their costs must be at least what was measured; of
such costs, those are taken whose estimates exceed the measurements least, by the mean of ratios.
That is a linear programme. Its dual has as many rows as there are units, and starts feasible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError

_EPSILON = 1e-9
_STEEP_TURNS = 500


class FitError(HocketError):
    """Measurements from which no costs follow."""


def fit(
    counts: Sequence[Mapping[str, int]], cycles: Sequence[int], margin_percent: int = 6
) -> dict[str, int]:
    """Find the costs of units.

    Parameters
    ----------
    counts
        How often each unit was done, by measurement.
    cycles
        What it took; positive.
    margin_percent
        Added to every cost, for data that was not among the measurements, and for other images:
        how long the interpreter looks for a name depends on the other names.

    Returns
    -------
    dict
        Cycles of each unit, whole numbers, in the order of the names.

    Raises
    ------
    FitError
        A measurement without any unit, or none at all.
    """
    names = sorted({name for row in counts for name, n in row.items() if n})
    if not names or not all(any(row.values()) for row in counts) or min(cycles, default=0) <= 0:
        raise FitError(
            "no costs follow from the measurements",
            found=f"{len(counts)} measurements of {len(names)} units",
            expected="units in every one, and cycles above zero",
        )
    matrix = np.array([[row.get(n, 0) for n in names] for row in counts], float)
    shares = matrix / np.array(cycles, float)[:, None]
    costs = _least(shares) * (1 + margin_percent / 100)
    # Rounding up keeps every bound.
    return {name: math.ceil(cost - _EPSILON) for name, cost in zip(names, costs, strict=True)}


def _least(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least mean of ``shares @ costs`` where each is at least 1 and no cost is negative."""
    scale = shares.max(axis=0)
    rows = shares / scale
    n, units = rows.shape
    # Dual: greatest sum of y with rows.T @ y <= mean of rows; y = 0 is feasible.
    table = np.hstack([rows.T, np.eye(units), rows.mean(axis=0)[:, None]])
    goal = np.concatenate([-np.ones(n), np.zeros(units + 1)])
    for turn in range(50 * (n + units)):
        improving = np.flatnonzero(goal[:-1] < -_EPSILON)
        if not improving.size:
            break
        # The steepest, but later the first, so that it never goes round in a circle (Bland).
        steep = turn < _STEEP_TURNS
        entering = int(improving[np.argmin(goal[improving])] if steep else improving[0])
        column = table[:, entering]
        limits = np.full(units, np.inf)
        np.divide(table[:, -1], column, out=limits, where=column > _EPSILON)
        leaving = int(np.argmin(limits))
        table[leaving] /= table[leaving, entering]
        factors = table[:, entering].copy()
        factors[leaving] = 0
        table -= np.outer(factors, table[leaving])
        goal -= goal[entering] * table[leaving]
    costs: NDArray[np.float64] = goal[n : n + units] / scale
    # What rounding of the solver left below is made up for.
    worst = (shares @ costs).min()
    return np.asarray(costs / min(float(worst), 1.0))
