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

from .stages import INFINITE, Stages, fixed_point, floor_of_fixed_point
from .taskset import TaskSet, key_ns

_CANDIDATES = 2_000
"""Releases, or about as many, that are looked at for one task; a line bounds those beyond."""

_BATCH = 64

Times = NDArray[np.int64]


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
        stages: Sequence[Stages],
        longest_ns: Callable[[int, int], int],
    ) -> None:
        self._stages = stages
        self._longest_ns = longest_ns
        self._bounded = not any(s.unbounded() for s in stages)
        if not self._bounded:
            return
        # A column for each link on the NPU. Deadlines count from the earliest arrival there.
        self._columns = [(i, place) for i, s in enumerate(stages) for place in s.places(npu=True)]
        columns = [(stages[i], place) for i, place in self._columns]
        self._period = np.array([s.task.period_ns for s, _ in columns], np.int64)
        self._cost = np.array([s.links[p].cost_ns for s, p in columns], np.int64)
        self._jitter = np.array([s.submit_jitter_ns(p) for s, p in columns], np.int64)
        self._deadline = np.array(
            [key_ns(s.task.deadline_ns) - s.earliest_ns[p] for s, p in columns], np.int64
        )
        self._load = [(s.links[p].cost_ns, s.task.period_ns) for s, p in columns]
        self._streams = [
            (s.submit_jitter_ns(p), load) for (s, p), load in zip(columns, self._load, strict=True)
        ]
        rate = sum(10**15 // s.task.period_ns + 1 for s in stages)
        self._crowd_ns = _CANDIDATES * 10**15 // rate

    def done_ns(self, me: int, horizon_ns: int) -> int:
        """Latest end on the NPU, for a job with one link there; `INFINITE` if none was found."""
        if not self._bounded:
            return INFINITE
        own = self._stages[me]
        place = own.places(npu=True)[0]
        column = self._columns.index((me, place))
        demand, last = own.links[place].cost_ns, own.links[place].last_ns
        busy = self._busy_ns(me, horizon_ns)
        if busy is None:
            return INFINITE
        upto = min(busy, max(self._crowd_ns, own.release_jitter_ns))
        releases = self._releases(column, upto)
        due = self._due(column, releases)
        earlier = (releases + int(self._jitter[column])) // own.task.period_ns
        constant = self._blocking(column, releases) + (earlier + 1) * demand - last
        # All that falls due before the job, arrived or not, bounds its delay from above: most
        # releases need no closer look.
        most = constant + due @ self._cost - releases
        order = np.argsort(most, kind="stable")[::-1]
        worst = self._tail_ns(column, upto) - last if upto < busy else -(1 << 62)
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            if int(most[batch[0]]) <= worst:
                break
            chosen = self._chosen(constant[batch], due[batch], horizon_ns)
            if chosen is None:
                return INFINITE
            worst = max(worst, int((chosen - releases[batch]).max()))
        return worst + last + own.earliest_ns[place]

    def _own(self, column: int) -> Stages:
        return self._stages[self._columns[column][0]]

    def _due(self, column: int, releases: Times) -> Times:
        """Jobs of each other link, by column, that are due no later than the one released."""
        key = int(self._deadline[column]) + self._own(column).release_jitter_ns
        due = (releases[:, None] + (key - self._deadline + self._jitter)) // self._period + 1
        np.maximum(due, 0, out=due)
        due[:, column] = 0
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

    def _blocking(self, column: int, releases: Times) -> Times:
        """Longest segment of a job that submitted before the busy period with a later deadline."""
        me = self._columns[column][0]
        key = int(self._deadline[column])
        result = np.zeros(len(releases), np.int64)
        for (other, _), deadline in zip(self._columns, self._deadline.tolist(), strict=True):
            if other != me:
                later = deadline + self._stages[other].release_jitter_ns
                length = np.where(releases + key < later, self._longest_ns(me, other), 0)
                np.maximum(result, length, out=result)
        return result

    def _busy_ns(self, me: int, horizon_ns: int) -> int | None:
        """Longest busy period; `INFINITE` beyond the horizon, None in overload."""
        longest = self._longest_other_ns(me)
        fluid = floor_of_fixed_point(longest, self._load)
        if fluid >= INFINITE:
            return None

        def busy(length: int) -> int:
            return longest + sum(
                -(-(length + jitter) // period) * cost for jitter, (cost, period) in self._streams
            )

        return fixed_point(busy, horizon_ns, max(fluid, 1))

    def _longest_other_ns(self, me: int) -> int:
        others = (i for i in range(len(self._stages)) if i != me)
        return max((self._longest_ns(me, other) for other in others), default=0)

    def _tail_ns(self, column: int, release_ns: int) -> int:
        """Bound on the delay of jobs released from an instant on, by a line above all demand.

        Demand steps up by a job's cost once a period; a line of its slope through the top of its
        first step is never below it. Utilisation being below 1, the distance shrinks from there.
        """
        own = self._own(column)
        key = int(self._deadline[column]) + own.release_jitter_ns
        total = self._longest_other_ns(self._columns[column][0]) + int(self._cost[column])
        scale = 1_000_000_000
        share = 0
        for other, (jitter, (cost, period)) in enumerate(self._streams):
            ahead = jitter
            if other != column:
                ahead = max(period + key - int(self._deadline[other]) + jitter, 0)
            total += -(-cost * ahead // period)
            share += -(-cost * scale // period)
        return total - release_ns * max(scale - share, 0) // scale

    def _releases(self, column: int, upto: int) -> Times:
        """Own releases, before an instant, at which more work falls due than just before."""
        own = self._own(column)
        earliest = -int(self._jitter[column])
        key = int(self._deadline[column]) + own.release_jitter_ns
        found = [np.array([earliest], np.int64)]
        for other, (jitter, (_, period)) in enumerate(self._streams):
            first = earliest
            if other != column:
                first = int(self._deadline[other]) - jitter - key
                first += max(-(-(earliest - first) // period), 0) * period
            found.append(np.arange(first, upto, period, dtype=np.int64))
        return np.unique(np.concatenate(found))
