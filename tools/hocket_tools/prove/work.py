# SPDX-License-Identifier: Apache-2.0
"""How much an analysis may do, counted in steps: the same everywhere, unlike a time limit."""

from __future__ import annotations

from collections.abc import Callable

from .stages import INFINITE

ANALYSIS = 4_000_000
"""Steps of one analysis: some seconds."""

_EXACT = 200
_MOST = 300


class Work:
    """Steps left; a step is one term of one evaluation of a bound."""

    def __init__(self, limit: int = ANALYSIS) -> None:
        self._left = limit

    @property
    def exhausted(self) -> bool:
        """Whether something was given up."""
        return self._left < 0

    def take(self, steps: int) -> bool:
        """Spend steps; False if there are not as many left."""
        self._left -= steps
        return self._left >= 0

    def fixed_point(
        self,
        function: Callable[[int], int],
        horizon_ns: int,
        start_ns: int = 0,
        terms: int = 1,
    ) -> int:
        """A fixed point of a growing function, or what lies above one.

        Starts below the least and finds that, unless it is very many steps away: then strides grow,
        and what they reach is taken back as far as a few steps do.

        Parameters
        ----------
        function, start_ns
            What to iterate, and from where.
        horizon_ns
            Beyond which nothing is looked for: `INFINITE`, as when the work is used up.
        terms
            Steps that an evaluation counts for.
        """
        value, stride = start_ns, 0
        for count in range(_MOST):
            if value > horizon_ns or not self.take(terms):
                return INFINITE
            following = function(value)
            if following <= value:
                break
            if count >= _EXACT:
                stride = max(2 * stride, following - value)
            value = following + stride
        else:
            return INFINITE
        lower = function(value)
        for _ in range(_EXACT if stride else 0):
            least = function(lower)
            if least > lower or lower == value or not self.take(terms):
                break
            value, lower = lower, least
        return value
