# SPDX-License-Identifier: Apache-2.0
"""Delay of a job's segments on the NPU under fixed priority, run to completion and round robin.

At most one job of a task is at the NPU at a time, so a job is not delayed by others of its task.
"""

from __future__ import annotations

from collections.abc import Sequence

from .stages import INFINITE, Stage, fixed_point, floor_of_fixed_point
from .taskset import TaskSet


def may_block(taskset: TaskSet, other: int, me: int) -> bool:
    """Whether the other task is the less urgent one, of which one segment delays this one's job."""
    rival, own = taskset.tasks[other], taskset.tasks[me]
    if taskset.policy == "edf":
        return rival.deadline_ns > own.deadline_ns
    return rival.priority > own.priority


def fixed_priority_ns(
    taskset: TaskSet, stages: Sequence[Stage], me: int, blocking_ns: int, horizon_ns: int
) -> int:
    """Latest end on the NPU after the earliest release; `INFINITE` beyond the horizon.

    Every job in the longest busy period is looked at, since a job's last segment can push more
    urgent work into its successor (Davis, Burns, Bril and Lukkien, 2007; Bril, Lukkien and
    Verhaegh, 2009, for deferred preemption). A job waits for blocking, for its predecessors and all
    of itself but the last segment, and for all more urgent work that is submitted before the last
    one is chosen: from then on nothing delays it.
    """
    own = stages[me]
    rivals = [
        s for index, s in enumerate(stages) if index != me and s.task.priority <= own.task.priority
    ]
    if any(s.unbounded() for s in rivals):
        return INFINITE
    period = own.task.period_ns
    jitter = own.submit_jitter_ns
    last = taskset.dispatch_ns + own.task.segments_ns[-1]
    load = [(s.submit_jitter_ns, s.task.period_ns, s.demand_ns) for s in rivals]
    shares = [(cost, every) for _, every, cost in load]
    everyone = [*load, (jitter, period, own.demand_ns)]

    def busy(length: int) -> int:
        return blocking_ns + sum(-(-(length + j) // every) * cost for j, every, cost in everyone)

    # Busy for a moment at least: two that are submitted at once are both in it.
    fluid = floor_of_fixed_point(blocking_ns, [(cost, every) for _, every, cost in everyone])
    longest = fixed_point(busy, horizon_ns, max(fluid, 1))
    if longest >= INFINITE:
        return INFINITE
    worst = 0
    chosen = 0
    for job in range(-(-(longest + jitter) // period)):
        constant = blocking_ns + (job + 1) * own.demand_ns - last

        def choice(now: int, constant: int = constant) -> int:
            return constant + sum(((now + j) // every + 1) * cost for j, every, cost in load)

        chosen = fixed_point(
            choice, horizon_ns, max(chosen, floor_of_fixed_point(constant, shares))
        )
        if chosen >= INFINITE:
            return INFINITE
        worst = max(worst, chosen + last + jitter - job * period)
    return own.resume_ns + worst


def run_to_completion_ns(stages: Sequence[Stage]) -> int:
    """The same for FIFO: one job of each other task may be ahead, and no more."""
    return sum(s.demand_ns for s in stages)


def round_robin_ns(taskset: TaskSet, stages: Sequence[Stage], me: int, horizon_ns: int) -> int:
    """The same for round robin: before each segment one of every other task, while it has any."""
    turns = len(taskset.tasks[me].segments_ns)
    own = stages[me]
    others = [
        (s, turns * (max(s.task.segments_ns) + taskset.dispatch_ns))
        for index, s in enumerate(stages)
        if index != me
    ]

    def delay(window: int) -> int:
        work = own.demand_ns
        for stage, most in others:
            jobs = -(-(window + stage.finish_ns) // stage.task.period_ns)
            work += most if stage.unbounded() else min(most, jobs * stage.demand_ns)
        return work

    return fixed_point(delay, horizon_ns)
