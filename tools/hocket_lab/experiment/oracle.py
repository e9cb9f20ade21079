# SPDX-License-Identifier: Apache-2.0
"""Bounds for the NPU alone, from an analysis that is verified in PROSA.

``response-time-analysis`` knows one processor, whose jobs consist of segments. So sets are drawn
without any work on the CPU, and what it says of them is compared with Hocket's own bounds.
"""

from __future__ import annotations

import random

from hocket_tools.prove import TaskModel, TaskSet, analyse, deadline_monotonic, with_priorities
from hocket_tools.prove.taskset import TICK_NS, Policy

from .draw import uunifast
from .mixed import divided

_MS = 1_000_000
_HORIZON_NS = 10**13
_POLICIES: tuple[Policy, ...] = ("fp", "edf")


def draw_npu(seed: int, policy: Policy) -> TaskSet:
    """Two to six tasks of one to ten segments on the NPU, and nothing on the CPU."""
    rng = random.Random(seed)
    tasks = []
    for index, share in enumerate(
        uunifast(rng, count := rng.randint(2, 6), rng.uniform(0.3, 0.95))
    ):
        period = int(10 ** rng.uniform(0, 2) * 1000) * 1000
        total = max(int(period * share), 10 * count)
        segments = divided(rng, total, rng.choice((1, 1, 2, 3, 10)), 1)
        deadline = int(period * rng.uniform(0.5, 1)) // TICK_NS * TICK_NS
        tasks.append(TaskModel(f"t{index}", period, deadline, segments))
    drawn = TaskSet(tuple(tasks), policy)
    return with_priorities(drawn, deadline_monotonic(drawn))


def verified_ns(taskset: TaskSet) -> list[int | None]:
    """The verified analysis's bounds from nominal releases; None where it has none.

    Releases are handled a tick late at most, which is a jitter to it; and what blocks has begun a
    unit of time before.
    """
    from response_time_analysis.analysis import edf, fp
    from response_time_analysis.model import (
        WCET,
        Deadline,
        IdealProcessor,
        LimitedPreemptive,
        PeriodicWithJitter,
        Priority,
        Task,
    )
    from response_time_analysis.model import TaskSet as Tasks

    lowest = max(task.priority for task in taskset.tasks)
    tasks = [
        Task(
            PeriodicWithJitter(task.period_ns, TICK_NS - 1),
            LimitedPreemptive(
                WCET(task.npu_ns),
                task.longest_segment_ns,
                task.segments_ns[-1],
            ),
            Deadline(task.deadline_ns),
            Priority(lowest - task.priority),
        )
        for task in taskset.tasks
    ]
    rule = fp if taskset.policy == "fp" else edf
    found: list[int | None] = []
    for task in tasks:
        bound = rule.rta(
            Tasks(tuple(tasks)), task, IdealProcessor(), horizon=_HORIZON_NS
        ).response_time_bound
        found.append(None if bound is None else bound + TICK_NS - 1)
    return found


def agree(bound_ns: int | None, verified_ns: int | None, policy: Policy) -> bool:
    """Whether two bounds are the same.

    What blocks has begun before: a nanosecond before to the verified analysis, just before to
    Hocket. Under EDF the former counts deadlines from the arrival, the latter from the nominal
    release, up to a tick earlier, so that less is due.
    """
    if bound_ns is None or verified_ns is None:
        return bound_ns is verified_ns
    low = 0 if policy == "fp" else 1 - TICK_NS
    return low <= bound_ns - verified_ns <= 1


def disagreements(sets: int, seed: int) -> int:
    """Tasks of random sets of which both analyses do not say the same."""
    found = 0
    for policy in _POLICIES:
        for index in range(sets):
            drawn = draw_npu(seed * 1_000_003 + index, policy)
            pairs = zip(analyse(drawn).tasks, verified_ns(drawn), strict=True)
            found += sum(not agree(task.bound_ns, verified, policy) for task, verified in pairs)
    return found
