# SPDX-License-Identifier: Apache-2.0
"""Latest end of a job's links from the last instant at which nothing as urgent was under way.

A job that is under way executes on one unit or waits for it, and whom it waits for executes. So
from that instant on some job as urgent as the one looked at, or more, executes at any time, or a
less urgent stretch is in its way; and whatever of the former executes was released since. Unlike
`span` this counts no work left over from before, but that of both units and all that blocks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate

from .blocking import Blocking, stretches
from .dispatches import Dispatches
from .span import least_tick_ns
from .stages import INFINITE, Stages
from .taskset import TaskSet
from .work import Work

_JOBS = 64
"""Own jobs that follow one another in a window, after which no bound is looked for."""


class BusyWindow:
    """Bounds for one task.

    Parameters
    ----------
    taskset, stages, me, dispatches
        The set, what is known of it, the task's number, and bounds on the kernel's work.
    clip_ns
        Longest segment of each other task that may block.
    work
        What may be spent.
    """

    def __init__(
        self,
        taskset: TaskSet,
        stages: Sequence[Stages],
        me: int,
        dispatches: Dispatches,
        clip_ns: Sequence[int],
        work: Work,
    ) -> None:
        own = stages[me]
        self._own = own
        self._work = work
        self._dispatches = dispatches
        below = {
            index
            for index, s in enumerate(stages)
            # Other policies order jobs differently on either unit: then all are as urgent.
            if taskset.policy == "fp" and s.task.priority > own.task.priority
        }
        self._others = [
            (
                s.release_jitter_ns,
                s.task.period_ns,
                s.own_ns,
                len(s.cpu_places),
                len(s.npu_places),
            )
            for index, s in enumerate(stages)
            if index != me and index not in below
        ]
        self._cpu = Blocking(
            [x for i in below for x in stretches(stages[i], i, stages[i].cpu_places)]
        )
        self._npu = Blocking(
            [
                x
                for i in below
                for x in stretches(stages[i], i, stages[i].npu_places, partial(min, clip_ns[i]))
            ]
        )

    def done_ns(self, horizon_ns: int) -> list[int]:
        """Latest end of each link; `INFINITE` past a horizon."""
        own = self._own
        places = range(len(own.links)) if not own.coarse else [len(own.links) - 1]
        parts = list(accumulate(link.cost_ns for link in own.links))
        worst = [INFINITE] * len(own.links)
        ends = dict.fromkeys(places, 0)
        period, jitter = own.task.period_ns, own.release_jitter_ns
        for job in range(_JOBS):
            window = 0
            for place in places:
                window = self._window_ns(
                    job, parts[place], own.links[place].last_ns, window, horizon_ns
                )
                ends[place] = max(ends[place], window + jitter - job * period)
            if window >= INFINITE:
                return worst
            if window + jitter <= (job + 1) * period:
                for place in places:
                    worst[place] = ends[place]
                return worst
        return worst

    def _window_ns(
        self, job: int, part_ns: int, tail_ns: int, start_ns: int, horizon_ns: int
    ) -> int:
        return self._work.fixed_point(
            lambda window: self._filled_ns(window, job, part_ns, tail_ns),
            horizon_ns,
            start_ns,
            2 * len(self._others) + 4,
        )

    def _filled_ns(self, window_ns: int, earlier: int, part_ns: int, tail_ns: int) -> int:
        """All that keeps a unit busy until a part of one's own job is done, others before it."""
        until = max(window_ns - tail_ns, 0)
        own = self._own
        total = earlier * own.own_ns + part_ns
        cpu = (earlier + 1) * len(own.cpu_places)
        npu = (earlier + 1) * len(own.npu_places)
        for jitter, period, cost, on_cpu, on_npu in self._others:
            jobs = (until + jitter) // period + 1
            total += jobs * cost
            cpu += jobs * on_cpu
            npu += jobs * on_npu
        longest = self._cpu.longest_ns
        total += least_tick_ns(longest) - longest
        total += self._cpu.total_ns(cpu, window_ns) + self._npu.total_ns(npu, window_ns)
        return total + self._dispatches.stolen_ns(window_ns)
