# SPDX-License-Identifier: Apache-2.0
"""The true worst case of a small set on the NPU, by looking at every run that there is.

All states that sporadic releases and lengths of segments lead to, as in schedule-abstraction graphs
(Nasri and Brandenburg, RTSS 2017), but one by one: times are small integers. What is released at an
instant may be seen before or after the NPU is handed on, so that what blocks has just begun.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass


@dataclass(frozen=True)
class Small:
    """A task; times in units."""

    period: int
    deadline: int
    segments: tuple[int, ...]
    least: tuple[int, ...] = ()

    def lengths(self, segment):
        most = self.segments[segment]
        return range(self.least[segment] if self.least else most, most + 1)


IDLE = None


def worst_responses(tasks, policy):
    """Longest response of each task, the most urgent first; a release that finds a job is lost."""
    start = (tuple((t.period, None, 0) for t in tasks), IDLE)
    seen = {start}
    todo = [start]
    worst = [0] * len(tasks)
    while todo:
        for following in _instant(todo.pop(), tasks, policy, worst):
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return worst


def _instant(state, tasks, policy, worst):
    """All states one unit later. A task is its time since a release, its job's age and segment."""
    jobs, running = list(state[0]), state[1]
    if running is not IDLE and running[1] == 0:
        me = running[0]
        since, age, segment = jobs[me]
        running = IDLE
        if segment + 1 == len(tasks[me].segments):
            worst[me] = max(worst[me], age)
            jobs[me] = (since, None, 0)
        else:
            jobs[me] = (since, age, segment + 1)
    for early in _releases(jobs, tasks):
        for chosen in _choices(early, running, tasks, policy):
            # Seen too late by an NPU that is not idle.
            for late in [early] if chosen is IDLE else _releases(early, tasks):
                yield _later(late, chosen, tasks)


def _releases(jobs, tasks):
    """Every choice of tasks that are released now."""
    free = [i for i, (since, age, _) in enumerate(jobs) if age is None and since >= tasks[i].period]
    for count in range(len(free) + 1):
        for chosen in itertools.combinations(free, count):
            yield [(0, 0, 0) if i in chosen else job for i, job in enumerate(jobs)]


def _choices(jobs, running, tasks, policy):
    """Who has the NPU, and how long yet."""
    pending = [i for i, job in enumerate(jobs) if job[1] is not None]
    if running is not IDLE or not pending:
        yield running
        return
    if policy == "fp":
        best = pending[:1]
    else:
        left = {i: tasks[i].deadline - jobs[i][1] for i in pending}
        best = [i for i in pending if left[i] == min(left.values())]
    for me in best:
        for length in tasks[me].lengths(jobs[me][2]):
            yield me, length


def _later(jobs, running, tasks):
    older = tuple(
        (min(since + 1, task.period), None if age is None else age + 1, segment)
        for (since, age, segment), task in zip(jobs, tasks, strict=True)
    )
    return older, running if running is IDLE else (running[0], running[1] - 1)
