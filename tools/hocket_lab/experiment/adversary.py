# SPDX-License-Identifier: Apache-2.0
"""Release patterns that come near a task's worst case, and what is seen under them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from hocket_tools.prove.taskset import TICK_NS, TaskModel, TaskSet

from .simulate import cpu_steps_ns, simulate

_PERIODS = 4
"""Of the slowest task, simulated after the pattern has begun."""


def patterns(taskset: TaskSet, me: int) -> Iterator[TaskSet]:
    """The set with offsets that are bad for one task.

    A less urgent task has just started its longest segment when the task and all more urgent ones
    are released; or the same with that task's last segment, which pushes more urgent work into the
    next job; or everything at once.
    """
    tasks = taskset.tasks
    own = tasks[me]
    for blocker, other in enumerate(tasks):
        for start in _bad_starts_ns(taskset, other):
            # Resumed just in time to submit when the segment has started; some ticks around,
            # since more urgent tasks are resumed first.
            for lead in range(-4, 8):
                at = start - lead * (taskset.release_ns + taskset.resume_ns) // 2
                at = max(-(-at // TICK_NS) * TICK_NS, 0)
                yield _with_offsets(
                    taskset,
                    [0 if i == blocker else at for i in range(len(tasks))],
                )
                yield _with_offsets(
                    taskset,
                    [
                        0 if i == blocker else at if t.priority <= own.priority else at + 10**6
                        for i, t in enumerate(tasks)
                    ],
                )
    yield _with_offsets(taskset, [0] * len(tasks))


def observe(taskset: TaskSet, tries: int = 60) -> tuple[int, ...]:
    """Longest response of each task under the patterns made for it, in ns.

    From the worst of them offsets are moved a little, at random but always alike, as long as that
    makes it worse: several stretches that block have to begin just before a job needs something.
    """
    duration_ns = _PERIODS * max(t.period_ns + t.deadline_ns for t in taskset.tasks)
    worst = [0] * len(taskset.tasks)

    def play(pattern: TaskSet, me: int) -> int:
        run = simulate(pattern, duration_ns)
        for index in range(len(worst)):
            worst[index] = max(worst[index], run.worst_ns(index))
        return run.worst_ns(me)

    for me in range(len(taskset.tasks)):
        reached, best = max(
            ((play(pattern, me), pattern) for pattern in patterns(taskset, me)),
            key=lambda found: found[0],
        )
        draw = random.Random(me)
        for _ in range(tries):
            moved = _moved(draw, best)
            response = play(moved, me)
            if response >= reached:
                reached, best = response, moved
    return tuple(worst)


def _moved(draw: random.Random, pattern: TaskSet) -> TaskSet:
    """The same with some offsets a little different."""
    kernel = pattern.release_ns + pattern.resume_ns + pattern.completion_ns
    reach = max(2 * kernel + pattern.dispatch_ns, 2 * TICK_NS)
    offsets = [
        max(t.offset_ns + draw.choice((0, 1)) * draw.randrange(-reach, reach), 0)
        // TICK_NS
        * TICK_NS
        for t in pattern.tasks
    ]
    return _with_offsets(pattern, offsets)


def _bad_starts_ns(taskset: TaskSet, task: TaskModel) -> set[int]:
    """When its longest stretches and its last segment start if it runs alone from 0."""
    at = taskset.release_ns
    segments: list[tuple[int, int]] = []
    steps: list[tuple[int, int]] = []
    for index in range(len(task.segments_ns) + 1):
        if index in {0, len(task.segments_ns), *(run.before for run in task.cpu_runs)}:
            for length in cpu_steps_ns(task, index):
                steps.append((length, at))
                at += taskset.resume_ns + length
        if index < len(task.segments_ns):
            at += taskset.dispatch_ns
            segments.append((task.segments_ns[index], at))
            at += task.segments_ns[index]
    found = {max(segments, key=_length)[1], segments[-1][1]} if segments else set()
    if task.cpu_runs:
        found.add(max(steps, key=_length)[1])
    return found


def _length(stretch: tuple[int, int]) -> int:
    return stretch[0]


def _with_offsets(taskset: TaskSet, offsets: list[int]) -> TaskSet:
    return replace(
        taskset,
        tasks=tuple(replace(t, offset_ns=o) for t, o in zip(taskset.tasks, offsets, strict=True)),
    )
