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
    tail = chain[-1].last_ns
    own_cpu = jobs * sum(link.cost_ns for link in chain if not link.npu)
    visits = jobs * sum(not link.npu for link in chain)
    submissions = jobs * len(chain) - visits
    cpu_only = own_cpu
    if place[0] == 0:
        longest = cpu.blocking.longest_ns
        cpu_only += least_tick_ns(longest) - longest
    constant = cpu_only + jobs * sum(link.cost_ns for link in chain if link.npu)
    after_cpu, after_npu = after_ns(chain, npu=False), after_ns(chain, npu=True)
    on_cpu = cpu.tasks if visits else ()
    on_npu = npu.tasks if submissions else ()
    if any(load.jitter_ns >= INFINITE // 2 for task in on_cpu for load in task.loads):
        return INFINITE
    window = constant
    if constant > tail:
        load = [*_steady(on_cpu), *_steady(on_npu)]
        window = tail + floor_of_fixed_point(constant - tail, load)

    def filled(window: int) -> int:
        # What comes while the last stretch runs is too late to delay it.
        until = max(window - tail, 0) + 1
        computed = cpu.blocking.total_ns(visits, max(window - after_cpu, 0))
        computed += sum([task.executed_ns(until) for task in on_cpu])
        later = constant + computed
        # What a task executes in the window blocks or interferes, but not both.
        room = {}
        for task in on_npu:
            interference = task.executed_ns(until)
            later += interference
            room[task.task] = task.work_ns(window) - interference
        later += npu.blocking.total_ns(submissions, max(window - after_npu, 0), room)
        if visits:
            released = dispatches.released_ns(window)
            busy = cpu_only + computed + released
            stretches = visits if submissions else 1
            later += released + dispatches.meanwhile_ns(busy, stretches, window)
        return later

    terms = sum(len(task.loads) for task in (*on_cpu, *on_npu)) + len(dispatches.handled_ns)
    return work.fixed_point(filled, horizon_ns, window, terms)


def after_ns(chain: Sequence[Link], npu: bool) -> int:
    """Work from the last visit to a unit on: what blocks it there has begun before."""
    last = max((place for place, link in enumerate(chain) if link.npu == npu), default=0)
    return sum(link.cost_ns for link in chain[last:])


def _steady(tasks: Sequence[Interference]) -> Iterator[tuple[int, int]]:
    """Cost and period of all work that nothing else limits; no window has less of it."""
    for task in tasks:
        if task.most_ns >= INFINITE and not task.gap_ns:
            yield from ((load.cost_ns, load.period_ns) for load in task.loads)
