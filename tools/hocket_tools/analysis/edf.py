# SPDX-License-Identifier: Apache-2.0
"""Delay of a job's segments on the NPU under EDF.

Spuri's deadline busy periods (1996), with release jitter from the holistic analysis of Tindell and
Clark (1994), and the non-preemptive blocking and last segment of George, Rivierre and Spuri (1996):
the worst case begins with all other tasks submitting at once, each at its full jitter, and the
job's own release anywhere in the longest busy period.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .stages import INFINITE, Stage, floor_of_fixed_point
from .taskset import TICK_NS, TaskSet

_CANDIDATES = 50_000
"""Releases looked at for one task; beyond, utilisation is too near one for a bound."""

Times = NDArray[np.int64]


def key_ns(deadline_ns: int) -> int:
    """A relative deadline as the device orders by it: in whole ticks."""
    return deadline_ns // TICK_NS * TICK_NS


class DeadlineBusyPeriods:
    """Bounds for all tasks of a set, given the jitter of their submissions.

    Parameters
    ----------
    taskset, stages
        The set, and what is known so far.
    longest_ns
        Longest segment with which another task, the second argument, may block one, the first.
    """

    def __init__(
        self,
        taskset: TaskSet,
        stages: Sequence[Stage],
        longest_ns: Callable[[int, int], int],
    ) -> None:
        self._taskset = taskset
        self._stages = stages
        self._bounded = not any(s.unbounded() for s in stages)
        if not self._bounded:
            return
        self._period = np.array([s.task.period_ns for s in stages], np.int64)
        self._cost = np.array([s.demand_ns for s in stages], np.int64)
        self._jitter = np.array([s.submit_jitter_ns for s in stages], np.int64)
        self._deadline = np.array([key_ns(s.task.deadline_ns) for s in stages], np.int64)
        self._longest_ns = longest_ns

    def done_ns(self, me: int, horizon_ns: int) -> int:
        """Latest end on the NPU after the earliest release; `INFINITE` if none was found."""
        if not self._bounded:
            return INFINITE
        own = self._stages[me]
        releases = self._releases(me, horizon_ns)
        if releases is None:
            return INFINITE
        last = own.task.segments_ns[-1] + self._taskset.dispatch_ns
        key = int(self._deadline[me]) + own.release_jitter_ns
        due = (releases[:, None] + (key - self._deadline + self._jitter)) // self._period + 1
        np.maximum(due, 0, out=due)
        due[:, me] = 0
        earlier = (releases + int(self._jitter[me])) // own.task.period_ns
        constant = self._blocking(me, releases)
        constant += (earlier + 1) * own.demand_ns - last
        chosen = constant
        while True:
            arrived = (chosen[:, None] + self._jitter) // self._period + 1
            later = constant + np.minimum(arrived, due) @ self._cost
            if int(later.max()) > horizon_ns:
                return INFINITE
            if np.array_equal(later, chosen):
                break
            chosen = later
        return int((chosen - releases).max()) + last + own.resume_ns

    def _blocking(self, me: int, releases: Times) -> Times:
        """Longest segment of a job that submitted before the busy period with a later deadline."""
        key = int(self._deadline[me])
        result = np.zeros(len(releases), np.int64)
        for other, stage in enumerate(self._stages):
            if other != me:
                later = int(self._deadline[other] + stage.release_jitter_ns)
                length = np.where(releases + key < later, self._longest_ns(me, other), 0)
                np.maximum(result, length, out=result)
        return result

    def _releases(self, me: int, horizon_ns: int) -> Times | None:
        """Own releases at which more work falls due than just before."""
        others = (i for i in range(len(self._stages)) if i != me)
        longest = max((self._longest_ns(me, other) for other in others), default=0)
        load = list(zip(self._cost.tolist(), self._period.tolist(), strict=True))
        busy = floor_of_fixed_point(longest, load)
        while True:
            if busy > horizon_ns:
                return None
            longer = longest + sum(
                -(-(busy + s.submit_jitter_ns) // s.task.period_ns) * s.demand_ns
                for s in self._stages
            )
            if longer <= busy:
                break
            busy = longer
        own = self._stages[me]
        earliest = -int(self._jitter[me])
        if sum((busy - earliest) // s.task.period_ns + 1 for s in self._stages) > _CANDIDATES:
            return None
        key = int(self._deadline[me]) + own.release_jitter_ns
        found = [np.array([earliest], np.int64)]
        for other, stage in enumerate(self._stages):
            period = stage.task.period_ns
            first = earliest
            if other != me:
                first = int(self._deadline[other] - self._jitter[other]) - key
                first += max(-(-(earliest - first) // period), 0) * period
            found.append(np.arange(first, busy, period, dtype=np.int64))
        return np.unique(np.concatenate(found))
