# SPDX-License-Identifier: Apache-2.0
"""What may delay a job's segments on the NPU, by policy, and by how much under fixed priority.

At most one job of a task is at the NPU at a time, so a job is not delayed by others of its task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from .blocking import Blocking, stretches
from .span import Delays, Interference
from .stages import INFINITE, Stages, floor_of_fixed_point
from .taskset import TICK_NS, TaskSet, key_ns
from .work import Work

_JOBS = 1_000
"""Of one busy period, that are looked at one by one."""

Longest = Callable[[int, int], int]
"""Longest segment with which another task, the second argument, may block one, the first."""


def may_block(taskset: TaskSet, other: int, me: int) -> bool:
    """Whether the other task is less urgent, so that one segment of it may block this one's job."""
    theirs, own = taskset.tasks[other], taskset.tasks[me]
    if taskset.policy == "edf":
        return theirs.deadline_ns > own.deadline_ns
    return theirs.priority > own.priority


def blocking_ns(taskset: TaskSet, me: int, longest_ns: Longest) -> int:
    """Longest segment of a less urgent task that may block a job."""
    others = range(len(taskset.tasks))
    return max((longest_ns(me, o) for o in others if may_block(taskset, o, me)), default=0)


def npu_delays(
    taskset: TaskSet,
    stages: Sequence[Stages],
    me: int,
    place: tuple[int, int],
    longest_ns: Longest,
    jobs: int = 1,
) -> Delays:
    """What may delay successive links of a job, or of jobs that follow one another."""
    own = stages[me]
    chain = [link for link in own.links[place[0] : place[1] + 1] if link.npu]
    if not chain:
        return Delays(Blocking(), ())
    others = [index for index in range(len(stages)) if index != me]

    def blocked(by: Sequence[int]) -> Blocking:
        return Blocking(
            [
                stretch
                for o in by
                for stretch in stretches(
                    stages[o],
                    o,
                    stages[o].npu_places,
                    partial(min, longest_ns(me, o)),
                )
            ]
        )

    if taskset.policy == "fp":
        return Delays(
            blocked([o for o in others if may_block(taskset, o, me)]),
            tuple(
                Interference(o, INFINITE, tuple(stages[o].loads(npu=True)))
                for o in others
                if stages[o].task.priority <= own.task.priority
            ),
        )
    most = dict.fromkeys(others, INFINITE)
    blocking = Blocking()
    if taskset.policy == "fifo":
        # Of each other task one request may be ahead, and no more.
        for o in others:
            link = max((link.cost_ns for link in stages[o].links if link.npu), default=0)
            most[o] = jobs * len(chain) * link
    elif taskset.policy == "rr":
        # Before each segment one of every other task, while it has any.
        turns = jobs * sum(link.stretches for link in chain)
        for o in others:
            longest = taskset.tasks[o].longest_segment_ns
            most[o] = turns * (longest + taskset.dispatch_ns) if longest else 0
    elif jobs == 1:
        most = {o: _due_before_ns(stages[o], own) for o in others}
        # Whoever blocks has come before, with a later deadline.
        reach = own.spans_ns[max(p for p in own.places(npu=True) if p <= place[1]) - 1]
        reach += TICK_NS - key_ns(own.task.deadline_ns)
        blocking = blocked([o for o in others if key_ns(taskset.tasks[o].deadline_ns) + reach > 0])
    return Delays(
        blocking, tuple(Interference(o, most[o], tuple(stages[o].loads(npu=True))) for o in others)
    )


def _due_before_ns(other: Stages, own: Stages) -> int:
    """Work of another task's jobs that are due no later than a job and not over at its release."""
    period = other.task.period_ns
    ahead = own.release_jitter_ns + TICK_NS
    ahead += key_ns(own.task.deadline_ns) - key_ns(other.task.deadline_ns)
    # Of all that were released before, one at most is under way, or a few wait.
    few = max((ahead + other.most_spread_ns) // period + 1, other.most_spread_ns // period)
    work = 0
    for place in other.places(npu=True):
        jobs = (ahead + other.done_ns[place]) // period + 1
        work += min(max(jobs, 0), few) * other.links[place].cost_ns
    return work


def fixed_priority_ns(
    taskset: TaskSet,
    stages: Sequence[Stages],
    me: int,
    longest_blocking_ns: int,
    horizon_ns: int,
    work: Work,
) -> int:
    """Latest end on the NPU, for a job with one link there; `INFINITE` beyond the horizon.

    Every job in the longest busy period is looked at, since a job's last segment can push more
    urgent work into its successor (Davis, Burns, Bril and Lukkien, 2007; Bril, Lukkien and
    Verhaegh, 2009, for deferred preemption). A job waits for blocking, for its predecessors and all
    of itself but the last segment, and for all more urgent work that is submitted before the last
    one is chosen: from then on nothing delays it.
    """
    own = stages[me]
    others = [
        s for index, s in enumerate(stages) if index != me and s.task.priority <= own.task.priority
    ]
    if any(s.unbounded() for s in others):
        return INFINITE
    place = own.places(npu=True)[0]
    demand, last = own.links[place].cost_ns, own.links[place].last_ns
    period = own.task.period_ns
    jitter = own.submit_jitter_ns(place)
    load = [(x.jitter_ns, x.period_ns, x.cost_ns) for s in others for x in s.streams()]
    shares = [(cost, every) for _, every, cost in load]
    everyone = [*load, (jitter, period, demand)]

    def busy(length: int) -> int:
        work = sum(-(-(length + j) // every) * cost for j, every, cost in everyone)
        return longest_blocking_ns + work

    # Busy for a moment at least: two that are submitted at once are both in it.
    fluid = floor_of_fixed_point(longest_blocking_ns, [(c, every) for _, every, c in everyone])
    longest = work.fixed_point(busy, horizon_ns, max(fluid, 1), len(everyone))
    if longest >= INFINITE:
        return INFINITE
    worst = -INFINITE
    chosen = 0
    jobs = -(-(longest + jitter) // period)
    if jobs > _JOBS:
        worst = _line_ns(load, longest_blocking_ns - last, demand, period, _JOBS)
    for job in range(min(jobs, _JOBS)):
        constant = longest_blocking_ns + (job + 1) * demand - last

        def choice(now: int, constant: int = constant) -> int:
            return constant + sum(((now + j) // every + 1) * cost for j, every, cost in load)

        fluid = floor_of_fixed_point(constant, shares)
        chosen = work.fixed_point(choice, horizon_ns, max(chosen, fluid), len(load) + 1)
        if chosen >= INFINITE:
            return INFINITE
        worst = max(worst, chosen - job * period)
    return min(own.earliest_ns[place] + worst + last + jitter, INFINITE)


def _line_ns(
    load: Sequence[tuple[int, int, int]], constant_ns: int, cost_ns: int, period_ns: int, job: int
) -> int:
    """When the last segment of a job in a busy period, or of any after it, is chosen at the latest.

    From the job's own instant, its number of periods after the first's, by lines above all demand:
    where the slope is less than 1, the distance shrinks from job to job.
    """
    scale = 1_000_000_000
    free = scale - sum(-(-cost * scale // every) for _, every, cost in load)
    if free <= 0 or cost_ns * scale > period_ns * free:
        return INFINITE
    steps = sum(cost + -(-cost * j // every) for j, every, cost in load)
    return -(-(constant_ns + (job + 1) * cost_ns + steps) * scale // free) - job * period_ns
