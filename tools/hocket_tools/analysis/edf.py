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

from .stages import INFINITE, Stage, fixed_point, floor_of_fixed_point
from .taskset import TICK_NS, TaskSet

_CANDIDATES = 2_000
"""Releases, or about as many, that are looked at for one task; a line bounds those beyond."""

_BATCH = 64

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
        rate = sum(10**15 // s.task.period_ns + 1 for s in stages)
        self._crowd_ns = _CANDIDATES * 10**15 // rate

    def done_ns(self, me: int, horizon_ns: int) -> int:
        """Latest end on the NPU after the earliest release; `INFINITE` if none was found."""
        if not self._bounded:
            return INFINITE
        own = self._stages[me]
        busy = self._busy_ns(me, horizon_ns)
        if busy is None:
            return INFINITE
        upto = min(busy, max(self._crowd_ns, own.release_jitter_ns))
        releases = self._releases(me, upto)
        last = own.task.segments_ns[-1] + self._taskset.dispatch_ns
        due = self._due(me, releases)
        earlier = (releases + int(self._jitter[me])) // own.task.period_ns
        constant = self._blocking(me, releases) + (earlier + 1) * own.demand_ns - last
        # All that falls due before the job, arrived or not, bounds its delay from above: most
        # releases need no closer look.
        most = constant + due @ self._cost - releases
        order = np.argsort(most, kind="stable")[::-1]
        worst = self._tail_ns(me, upto) - last if upto < busy else -(1 << 62)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            if int(most[batch[0]]) <= worst:
                break
            chosen = self._chosen(constant[batch], due[batch], horizon_ns)
            if chosen is None:
                return INFINITE
            worst = max(worst, int((chosen - releases[batch]).max()))
        return worst + last + own.resume_ns

    def _due(self, me: int, releases: Times) -> Times:
        """Jobs of each other task, by column, that are due no later than the one released."""
        key = int(self._deadline[me]) + self._stages[me].release_jitter_ns
        due = (releases[:, None] + (key - self._deadline + self._jitter)) // self._period + 1
        np.maximum(due, 0, out=due)
        due[:, me] = 0
        return due

    def _chosen(self, constant: Times, due: Times, horizon_ns: int) -> Times | None:
        """When the last segment is chosen, by fixed points; None beyond the horizon."""
        chosen = constant
        while True:
            arrived = (chosen[:, None] + self._jitter) // self._period + 1
            later: Times = constant + np.minimum(arrived, due) @ self._cost
            if int(later.max()) > horizon_ns:
                return None
            if np.array_equal(later, chosen):
                return later
            chosen = later

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

    def _busy_ns(self, me: int, horizon_ns: int) -> int | None:
        """Longest busy period; `INFINITE` beyond the horizon, None in overload."""
        longest = self._longest_other_ns(me)
        load = list(zip(self._cost.tolist(), self._period.tolist(), strict=True))
        fluid = floor_of_fixed_point(longest, load)
        if fluid >= INFINITE:
            return None

        def busy(length: int) -> int:
            return longest + sum(
                -(-(length + s.submit_jitter_ns) // s.task.period_ns) * s.demand_ns
                for s in self._stages
            )

        return fixed_point(busy, horizon_ns, max(fluid, 1))

    def _longest_other_ns(self, me: int) -> int:
        others = (i for i in range(len(self._stages)) if i != me)
        return max((self._longest_ns(me, other) for other in others), default=0)

    def _tail_ns(self, me: int, release_ns: int) -> int:
        """Bound on the delay of jobs released from an instant on, by a line above all demand.

        Demand steps up by a job's cost once a period; a line of its slope through the top of its
        first step is never below it. Utilisation being below 1, the distance shrinks from there.
        """
        own = self._stages[me]
        key = int(self._deadline[me]) + own.release_jitter_ns
        total = self._longest_other_ns(me) + own.demand_ns
        scale = 1_000_000_000
        share = 0
        for other, s in enumerate(self._stages):
            period, jitter = s.task.period_ns, s.submit_jitter_ns
            ahead = jitter
            if other != me:
                ahead = max(period + key - int(self._deadline[other]) + jitter, 0)
            total += -(-s.demand_ns * ahead // period)
            share += -(-s.demand_ns * scale // period)
        return total - release_ns * max(scale - share, 0) // scale

    def _releases(self, me: int, upto: int) -> Times:
        """Own releases, before an instant, at which more work falls due than just before."""
        own = self._stages[me]
        earliest = -int(self._jitter[me])
        key = int(self._deadline[me]) + own.release_jitter_ns
        found = [np.array([earliest], np.int64)]
        for other, stage in enumerate(self._stages):
            period = stage.task.period_ns
            first = earliest
            if other != me:
                first = int(self._deadline[other] - self._jitter[other]) - key
                first += max(-(-(earliest - first) // period), 0) * period
            found.append(np.arange(first, upto, period, dtype=np.int64))
        return np.unique(np.concatenate(found))
