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

from .stages import INFINITE, Stages, floor_of_fixed_point
from .taskset import TaskSet, key_ns
from .work import Work

_CANDIDATES = 2_000
"""Releases, or about as many, that are looked at for one task; a line bounds those beyond."""

_CELLS = 1_000_000
"""Of a table of releases and streams."""
_BATCH = 64
_STEPS = 1_000

Times = NDArray[np.int64]


class DeadlineBusyPeriods:
    """Bounds for all tasks of a set, given the jitter of their submissions.

    Parameters
    ----------
    taskset, stages
        The set, and what is known so far.
    longest_ns
        Longest segment with which another task, the second argument, may block one, the first.
    work
        What may be spent.
    """

    def __init__(
        self,
        taskset: TaskSet,
        stages: Sequence[Stages],
        longest_ns: Callable[[int, int], int],
        work: Work,
    ) -> None:
        self._work = work
        self._stages = stages
        self._longest_ns = longest_ns
        self._bounded = not any(s.unbounded() for s in stages)
        if not self._bounded:
            return
        # A column for each stream on the NPU. Deadlines count from the earliest arrival there.
        columns = [(i, stream) for i, s in enumerate(stages) for stream in s.streams()]
        self._tasks = [i for i, _ in columns]
        self._period = np.array([x.period_ns for _, x in columns], np.int64)
        self._cost = np.array([x.cost_ns for _, x in columns], np.int64)
        self._jitter = np.array([x.jitter_ns for _, x in columns], np.int64)
        self._deadline = np.array(
            [key_ns(stages[i].task.deadline_ns) - x.earliest_ns for i, x in columns], np.int64
        )
        self._load = [(x.cost_ns, x.period_ns) for _, x in columns]
        self._streams = [(x.jitter_ns, (x.cost_ns, x.period_ns)) for _, x in columns]
        candidates = min(_CANDIDATES, _CELLS // max(len(columns), 1))
        rate = sum(10**15 // x.period_ns + 1 for _, x in columns)
        self._crowd_ns = candidates * 10**15 // max(rate, 1)

    def done_ns(self, me: int, horizon_ns: int) -> int:
        """Latest end on the NPU, for a job with one link there; `INFINITE` if none was found."""
        if not self._bounded:
            return INFINITE
        own = self._stages[me]
        place = own.places(npu=True)[0]
        column = self._tasks.index(me)
        demand, last = own.links[place].cost_ns, own.links[place].last_ns
        busy = self._busy_ns(me, horizon_ns)
        if busy is None:
            return INFINITE
        upto = min(busy, self._crowd_ns - int(self._jitter[column]))
        releases = self._releases(column, upto)
        due = self._due(column, releases)
        earlier = (releases + int(self._jitter[column])) // own.task.period_ns
        constant = self._blocking(column, releases, due) + (earlier + 1) * demand - last
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
        return self._stages[self._tasks[column]]

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
        for _ in range(_STEPS):
            if not self._work.take(due.size // 8 + 1):
                return None
            arrived = (chosen[:, None] + self._jitter) // self._period + 1
            later: Times = constant + np.minimum(arrived, due) @ self._cost
            if int(later.max()) > horizon_ns:
                return None
            if np.array_equal(later, chosen):
                return later
            chosen = later
        # Whatever falls due arrives at some time.
        most: Times = constant + due @ self._cost
        return most

    def _blocking(self, column: int, releases: Times, due: Times) -> Times:
        """Longest segment of a job that submitted before the busy period with a later deadline.

        A task of which something is due does not block: its jobs that are due precede the one
        that would, and are over when that comes.
        """
        me = self._tasks[column]
        key = int(self._deadline[column])
        result = np.zeros(len(releases), np.int64)
        first = np.minimum(due, 1) * self._cost
        for other, deadline in zip(self._tasks, self._deadline.tolist(), strict=True):
            if other != me:
                later = deadline + self._stages[other].release_jitter_ns
                longest = self._longest_ns(me, other)
                work = first[:, np.array(self._tasks) == other].sum(axis=1)
                blocks = (releases + key < later) & (work < longest)
                np.maximum(result, np.where(blocks, longest, 0), out=result)
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

        return self._work.fixed_point(busy, horizon_ns, max(fluid, 1), len(self._load))

    def _longest_other_ns(self, me: int) -> int:
        others = (i for i in range(len(self._stages)) if i != me)
        return max((self._longest_ns(me, other) for other in others), default=0)

    def _tail_ns(self, column: int, release_ns: int) -> int:
        """Bound on the delay of jobs released from an instant on, by lines above all demand.

        Demand steps up by a job's cost once a period; a line of its slope through the top of its
        first step, and none before that, is never below it. Their sum bends upwards only and is in
        the end less steep than time, utilisation being below 1: so the distance shrinks throughout.
        """
        own = self._own(column)
        key = int(self._deadline[column]) + own.release_jitter_ns
        total = self._longest_other_ns(self._tasks[column]) + int(self._cost[column])
        for other, (jitter, (cost, period)) in enumerate(self._streams):
            ahead = release_ns + jitter
            if other != column:
                ahead += period + key - int(self._deadline[other])
            total += -(-cost * max(ahead, 0) // period)
        return total - release_ns

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
