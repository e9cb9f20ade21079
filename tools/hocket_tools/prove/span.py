# SPDX-License-Identifier: Apache-2.0
"""Longest time that a job spends in some successive links of its chain.

At any instant in such a span the job executes, or what it waits for does: work as urgent or more on
the resource that it needs, one less urgent stretch since it came there, or the kernel's dispatches
and releases. So its length is at most what all these can add up to in a window of that length: the
work of an interfering task is counted once, on whichever resource it delays, not once a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .blocking import Blocking, stretches
from .chain import Link
from .dispatches import Dispatches
from .stages import INFINITE, Load, Stages, floor_of_fixed_point
from .taskset import TICK_NS, TaskSet
from .work import Work


class Interference(NamedTuple):
    """Work of another task on a resource."""

    task: int
    most_ns: int
    """Most that it executes in any window."""
    loads: tuple[Load, ...]
    """Of its links."""
    gap_ns: int = 0
    """In a window up to this, one of the links executes at most."""

    def executed_ns(self, window_ns: int) -> int:
        """Most that it can execute in a window."""
        if window_ns <= self.gap_ns:
            return min(self.most_ns, max((load.cost_ns for load in self.loads), default=0))
        return min(self.work_ns(window_ns), self.most_ns)

    def executed_in_ns(self, total_ns: int, visits: int) -> int:
        """Most that it can execute in so many windows of some length in all.

        By a line above what one window has: of the load's slope, through the corner where the
        last job in it is over.
        """
        return sum(
            [
                -(-cost * (total_ns + visits * (jitter + period - cost)) // period)
                for jitter, period, cost in self.loads
            ]
        )

    def work_ns(self, window_ns: int) -> int:
        """The same, urgent or not."""
        work = 0
        for jitter, period, cost in self.loads:
            whole, rest = divmod(window_ns + jitter, period)
            work += whole * cost + (rest if rest < cost else cost)
        return work


@dataclass(frozen=True)
class Delays:
    """What may delay a job on one resource."""

    blocking: Blocking
    """Less urgent stretches, one for each link on the resource."""
    tasks: tuple[Interference, ...]


_NONE = Delays(Blocking(), ())
_CLOSER = 4
"""Times that the length of links on a unit is taken from itself; each is a bound."""


def least_tick_ns(blocking_ns: int) -> int:
    """Delay of a release: its tick, or what runs then.

    Releases count from the tick in which the kernel's loop begins, and a CPU step may be under way.
    """
    return max(blocking_ns, TICK_NS - 1)


def cpu_delays(stages: Sequence[Stages], me: int) -> Delays:
    """What may delay a job on the CPU, where CPU steps go by priority whatever the policy."""
    own = stages[me].task.priority
    lower = Blocking(
        [
            stretch
            for index, s in enumerate(stages)
            if s.task.priority > own
            for stretch in stretches(s, index, s.cpu_places)
        ]
    )
    tasks = tuple(
        Interference(index, INFINITE, tuple(s.loads(npu=False)), s.cpu_gap_ns())
        for index, s in enumerate(stages)
        if index != me and s.task.priority <= own
    )
    return Delays(lower, tasks)


def newcomer_delays(
    taskset: TaskSet,
    stages: Sequence[Stages],
    me: int,
    idle_ns: int,
    dispatches: Dispatches,
    work: Work,
) -> Delays | None:
    """What may delay a job on the CPU when its last segment ends; None if nothing better is known.

    While that segment runs no other ends, so no job comes to the CPU from the NPU. If all that were
    there when it began can be served meanwhile, in ``idle_ns`` at least, only jobs that were
    released since can delay it.
    """
    others = [s for index, s in enumerate(stages) if index != me]
    if not others or any(s.task.overrun == "queue" for s in others):
        return None
    waiting = sum(max(s.links[p].cost_ns for p in s.cpu_places) for s in others)
    first = [
        Load(s.task.early_ns + s.task.jitter_ns, s.task.period_ns, s.links[0].cost_ns)
        for s in others
    ]

    def served(window: int) -> int:
        arrived = [((window + f.jitter_ns) // f.period_ns + 1) * f.cost_ns for f in first]
        # The last one to be served was there at the beginning; nothing of its next job precedes it.
        new = sum(arrived) - min(arrived)
        return waiting + new + taskset.dispatch_ns + dispatches.released_ns(window)

    if work.fixed_point(served, idle_ns, terms=len(stages)) > idle_ns:
        return None
    own = stages[me].task.priority
    lower = Blocking(
        [
            stretch
            for index, s in enumerate(stages)
            if s.task.priority > own
            for stretch in stretches(s, index, (0,))
        ]
    )
    return Delays(
        lower,
        tuple(
            Interference(index, INFINITE, tuple(s.loads(npu=False)[:1]))
            for index, s in enumerate(stages)
            if index != me and s.task.priority <= own
        ),
    )


def span_ns(
    own: Stages,
    place: tuple[int, int],
    cpu: Delays,
    npu: Delays,
    dispatches: Dispatches,
    work: Work,
    horizon_ns: int,
    jobs: int = 1,
) -> int:
    """Longest time from the arrival at one link to the end of another; `INFINITE` past a horizon.

    Parameters
    ----------
    own
        The task.
    place
        First and last link.
    cpu, npu
        What may delay the job on each.
    dispatches, work, horizon_ns
        Of the set; what may be spent; beyond which nothing is looked for.
    jobs
        How many jobs follow one another without a pause, each through all these links.
    """
    chain = own.links[place[0] : place[1] + 1]
    visits = jobs * sum(not link.npu for link in chain)
    submissions = jobs * len(chain) - visits
    span = _Span(
        chain=chain,
        own_cpu_ns=jobs * sum(link.cost_ns for link in chain if not link.npu),
        own_npu_ns=jobs * sum(link.cost_ns for link in chain if link.npu),
        tick_ns=least_tick_ns(cpu.blocking.longest_ns) - cpu.blocking.longest_ns
        if place[0] == 0
        else 0,
        visits=visits,
        submissions=submissions,
        cpu=cpu if visits else _NONE,
        npu=npu if submissions else _NONE,
        dispatches=dispatches,
    )
    if any(load.jitter_ns >= INFINITE // 2 for task in span.cpu.tasks for load in task.loads):
        return INFINITE
    terms = 2 * sum(len(task.loads) for task in (*span.cpu.tasks, *span.npu.tasks))
    terms += len(dispatches.handled_ns)
    return work.fixed_point(span.filled_ns, horizon_ns, span.least_ns(), terms)


@dataclass(frozen=True)
class _Span:
    """All that can fill the time of some links, once they are chosen."""

    chain: Sequence[Link]
    own_cpu_ns: int
    own_npu_ns: int
    tick_ns: int
    visits: int
    submissions: int
    cpu: Delays
    npu: Delays
    dispatches: Dispatches

    def least_ns(self) -> int:
        """Where to begin: no longer than the time of all that nothing but load limits."""
        constant = self.own_cpu_ns + self.own_npu_ns
        tail = self.chain[-1].last_ns
        # Where there are jobs on either unit, load counts only while on its unit.
        both = self.visits and self.submissions
        if constant <= tail or both:
            return constant
        load = [*_steady(self.cpu.tasks), *_steady(self.npu.tasks)]
        return tail + floor_of_fixed_point(constant - tail, load)

    def filled_ns(self, window_ns: int) -> int:
        """Time of the links on both units in a window."""
        return self._computing_ns(window_ns) + self._inferring_ns(window_ns)

    def _computing_ns(self, window_ns: int) -> int:
        """Time of the links on the CPU."""
        if not self.visits:
            return 0
        constant = self.own_cpu_ns + self.tick_ns + self.dispatches.released_ns(window_ns)
        before = max(window_ns - after_ns(self.chain, npu=False), 0)
        constant += self.cpu.blocking.total_ns(self.visits, before)
        until = self._until_ns(window_ns)
        stretches = self.visits if self.submissions else 1
        most = [task.executed_ns(until) for task in self.cpu.tasks]
        total = window_ns
        for _ in range(_CLOSER):
            interference = [
                min(limit, task.executed_in_ns(total, self.visits))
                for limit, task in zip(most, self.cpu.tasks, strict=True)
            ]
            busy = constant + sum(interference)
            found = busy + self.dispatches.meanwhile_ns(busy, stretches, window_ns)
            if found >= total:
                return found
            total = found
        return total

    def _inferring_ns(self, window_ns: int) -> int:
        """Time of the links on the NPU."""
        if not self.submissions:
            return 0
        before = max(window_ns - after_ns(self.chain, npu=True), 0)
        until = self._until_ns(window_ns)
        most = [(task, task.executed_ns(until)) for task in self.npu.tasks]
        works = [task.work_ns(window_ns) for task in self.npu.tasks]
        total = window_ns
        for _ in range(_CLOSER):
            found = self.own_npu_ns
            # What a task executes in the window blocks or interferes, but not both.
            room = {}
            for (task, limit), work in zip(most, works, strict=True):
                interference = min(limit, task.executed_in_ns(total, self.submissions))
                found += interference
                room[task.task] = work - interference
            found += self.npu.blocking.total_ns(self.submissions, before, room)
            if found >= total:
                return found
            total = found
        return total

    def _until_ns(self, window_ns: int) -> int:
        """What comes while the last stretch runs is too late to delay it."""
        return max(window_ns - self.chain[-1].last_ns, 0) + 1


def after_ns(chain: Sequence[Link], npu: bool) -> int:
    """Work from the last visit to a unit on: what blocks it there has begun before."""
    last = max((place for place, link in enumerate(chain) if link.npu == npu), default=0)
    return sum(link.cost_ns for link in chain[last:])


def _steady(tasks: Sequence[Interference]) -> Iterator[tuple[int, int]]:
    """Cost and period of all work that nothing else limits; no window has less of it."""
    for task in tasks:
        if task.most_ns >= INFINITE and not task.gap_ns:
            yield from ((load.cost_ns, load.period_ns) for load in task.loads)
