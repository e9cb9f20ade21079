# SPDX-License-Identifier: Apache-2.0
"""Priorities for a task set: by deadline, or an order that holds if one is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .response import Solver, analyse
from .taskset import TaskSet
from .work import ANALYSIS, Work

_WORK = 8 * ANALYSIS


def deadline_monotonic(taskset: TaskSet) -> tuple[int, ...]:
    """Priorities by deadline, shortest first; tasks of one deadline keep their order."""
    tasks = taskset.tasks
    order = sorted(range(len(tasks)), key=lambda index: tasks[index].deadline_ns)
    return _priorities(order)


def assign_priorities(taskset: TaskSet, work: Work | None = None) -> tuple[int, ...] | None:
    """Priorities with which every deadline is proved, or None if none were found.

    By deadline if that does; else Audsley's algorithm (2001): the least urgent place goes to any
    task that holds there, then the next. A bound depends, if little, on the order of the more
    urgent tasks through their jitter, so the result is proved once more as a whole.
    """
    work = work or Work(_WORK)
    attempt = deadline_monotonic(taskset)
    if analyse(with_priorities(taskset, attempt), work).schedulable:
        return attempt
    count = len(taskset.tasks)
    rest = set(range(count))
    order: list[int] = []
    # Of several tasks that hold, the one with the longest deadline goes down.
    candidates = sorted(rest, key=lambda i: taskset.tasks[i].deadline_ns, reverse=True)
    while rest:
        lowest = next((i for i in candidates if i in rest and _holds(taskset, i, rest, work)), None)
        if lowest is None:
            return None
        rest.remove(lowest)
        order.insert(0, lowest)
    attempt = _priorities(order)
    return attempt if analyse(with_priorities(taskset, attempt), work).schedulable else None


def _holds(taskset: TaskSet, me: int, rest: set[int], work: Work) -> bool:
    """Whether a task holds below the rest, those by deadline, and above all others."""
    tasks = taskset.tasks
    above = sorted(rest - {me}, key=lambda i: tasks[i].deadline_ns)
    below = sorted(set(range(len(tasks))) - rest)
    return Solver(with_priorities(taskset, _priorities([*above, me, *below])), work=work).holds(me)


def with_priorities(taskset: TaskSet, priorities: Sequence[int]) -> TaskSet:
    """The same set with other priorities."""
    tasks = zip(taskset.tasks, priorities, strict=True)
    return replace(taskset, tasks=tuple(replace(t, priority=p) for t, p in tasks))


def _priorities(order: Sequence[int]) -> tuple[int, ...]:
    place = {task: priority for priority, task in enumerate(order)}
    return tuple(place[task] for task in range(len(order)))
