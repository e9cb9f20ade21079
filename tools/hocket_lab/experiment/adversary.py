# SPDX-License-Identifier: Apache-2.0
"""Releases that come near a task's worst case, and what is seen under them.

A job is late when others come to a unit just before it does. So the search plays a job once, looks
when it came to each unit, and moves one other task at a time so that its release, or the begin of
its longest stretch, falls just there; whatever makes the job later is kept.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from hocket_tools.prove.taskset import TICK_NS, TaskModel, TaskSet

from .simulate import SimulatedRun, cpu_steps_ns, simulate

_PERIODS = 4
"""Of the slowest task, after which a job is no longer waited for."""
_ROUNDS = 2
_VISITS = 4
"""Visits to a unit, spread over a job, at which others are made to begin."""
_LONGEST = 1
"""Stretches of a task on each unit that are made to begin then."""
_JOBS = 4_000
"""Of all tasks, beyond which no run is as long as that."""


def observe(taskset: TaskSet, tries: int = 60) -> tuple[int, ...]:
    """Longest response of each task that was found, in ns.

    From the worst pattern on, offsets are moved a little, at random but always alike, as long as
    that makes it worse: several stretches that block have to begin just before a job needs a unit.
    """
    searches = [_Search(taskset, me, tries) for me in range(len(taskset.tasks))]
    return tuple(search.worst_ns for search in searches)


def patterns(taskset: TaskSet, me: int) -> Iterator[TaskSet]:
    """The set with offsets that are bad for one task: those that the search starts from."""
    search = _Search(taskset, me, 0)
    for lead in search.starts():
        earliest = min(lead)
        yield replace(
            taskset,
            tasks=tuple(
                replace(task, offset_ns=at - earliest)
                for task, at in zip(taskset.tasks, lead, strict=True)
            ),
        )


class _Search:
    """Looks for the first release of every task, the one's own at 0, that makes its job latest."""

    def __init__(self, taskset: TaskSet, me: int, tries: int) -> None:
        self._taskset = taskset
        self._me = me
        self._tries = tries
        self._others = [i for i in range(len(taskset.tasks)) if i != me]
        self._stretches = [_stretches_ns(taskset, task) for task in taskset.tasks]
        kernel = taskset.release_ns + taskset.resume_ns + taskset.completion_ns
        self._reach = max(2 * kernel + taskset.dispatch_ns, 2 * TICK_NS) // TICK_NS

    @cached_property
    def worst_ns(self) -> int:
        """Longest response that was found."""
        reached, lead, run = max((self._play(s) for s in self.starts()), key=lambda p: p[0])
        for _ in range(_ROUNDS):
            before = reached
            for other in self._others:
                for at in self._begins(other, lead, run):
                    moved = [*lead]
                    moved[other] = at
                    played = self._play(moved)
                    if played[0] > reached:
                        reached, lead, run = played
            if reached == before:
                break
        draw = random.Random(self._me)
        for _ in range(self._tries):
            played = self._play(self._moved(draw, lead))
            if played[0] >= reached:
                reached, lead, run = played
        return reached

    def starts(self) -> Iterator[list[int]]:
        """Everything at once, or all but one at once when that one has just begun a stretch."""
        count = len(self._taskset.tasks)
        yield [0] * count
        step = (self._taskset.release_ns + self._taskset.resume_ns) // 2
        for blocker in self._others:
            for begin in self._stretches[blocker]:
                for lead in (-2, -1, 0, 1, 2, 4):
                    at = -max(begin - lead * step, 0)
                    yield [_tick(at) if i == blocker else 0 for i in range(count)]

    def _begins(self, other: int, lead: list[int], run: SimulatedRun) -> Iterator[int]:
        """First releases with which another task begins something just as the job needs a unit."""
        zero = self._zero(run)
        visits = run.arrivals[self._me]
        end = visits[-1]
        long = sorted(run.steps[other], key=_length)[-_LONGEST:]
        slices = [(s.start_ns, s.end_ns) for s in run.slices if s.task == other]
        long += sorted(slices, key=_length)[-_LONGEST:]
        begun = [begin - lead[other] - zero for begin, _ in long if begin < end]
        period = self._taskset.tasks[other].period_ns
        for visit in visits[:: max(-(-len(visits) // _VISITS), 1)]:
            for begin in {0, *self._stretches[other], *begun}:
                for early in (TICK_NS, self._reach * TICK_NS // 2):
                    at = visit - zero - begin - early
                    yield _tick(at if at > -period else at % period - period)

    def _zero(self, run: SimulatedRun) -> int:
        return run.jobs[self._me][0].release_ns

    def _moved(self, draw: random.Random, lead: list[int]) -> list[int]:
        moved = [*lead]
        for other in self._others:
            if draw.random() < 0.5:
                moved[other] += draw.randrange(-self._reach, self._reach) * TICK_NS
        return moved

    def _play(self, lead: list[int]) -> tuple[int, list[int], SimulatedRun]:
        tasks = self._taskset.tasks
        zero = -min(lead)
        own = tasks[self._me]
        least = min(task.period_ns for task in tasks)
        end = zero + min(_PERIODS * max(t.period_ns for t in tasks), _JOBS * least)
        releases = {
            task.name: range(zero + at, end, task.period_ns)
            for task, at in zip(tasks, lead, strict=True)
        }
        releases[own.name] = range(zero, zero + 1)
        run = simulate(self._taskset, end, releases=releases, until=self._me)
        return run.worst_ns(self._me), lead, run


def _stretches_ns(taskset: TaskSet, task: TaskModel) -> list[int]:
    """When its longest stretch on each unit and its last segment start if it runs alone from 0."""
    at = taskset.release_ns
    segments: list[tuple[int, int]] = []
    steps: list[tuple[int, int]] = []
    for index in range(len(task.segments_ns) + 1):
        if index in {0, len(task.segments_ns), *(run.before for run in task.cpu_runs)}:
            for length in cpu_steps_ns(task, index):
                body = task.cpu_ns if index == len(task.segments_ns) else 0
                steps.append((length + body, -at))
                at += taskset.resume_ns + length
        if index < len(task.segments_ns):
            at += taskset.dispatch_ns
            segments.append((task.segments_ns[index], -at))
            at += task.segments_ns[index]
    found = [-max(steps)[1]]
    if segments:
        found += [-max(segments)[1], -segments[-1][1]]
    return sorted({*found})


def _length(stretch: tuple[int, int]) -> int:
    return stretch[1] - stretch[0]


def _tick(at: int) -> int:
    return at // TICK_NS * TICK_NS
