# SPDX-License-Identifier: Apache-2.0
"""What is known about a task's jobs while bounds are being found.

Each link of a job's chain is an arrival stream of its own with the task's period and a jitter that
grows from link to link (Tindell and Clark, 1994): all instants are relative to the earliest instant
at which the release may come, `TaskModel.early_ns` before the nominal one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from .chain import Link, links
from .taskset import TaskModel, TaskSet

INFINITE = 1 << 60
"""A bound that was not found."""


class Load(NamedTuple):
    """Work that comes once a period, late by at most a jitter; times in ns."""

    jitter_ns: int
    period_ns: int
    cost_ns: int

    def executed_ns(self, window_ns: int) -> int:
        """Most that can be executed in a window.

        The jitter is that of the start: from as early as possible to as late as its bound allows.
        The worst window begins when a job executes just before its bound and its successors as soon
        as they can (Bertogna, Cirinei and Lipari, 2005).
        """
        whole, rest = divmod(window_ns + self.jitter_ns, self.period_ns)
        return whole * self.cost_ns + min(rest, self.cost_ns)


@dataclass
class Stages:
    """Bounds of one task so far; they only grow."""

    task: TaskModel
    links: tuple[Link, ...]
    earliest_ns: tuple[int, ...]
    """Of the arrival at each link."""
    release_jitter_ns: int
    done_ns: list[int]
    """Latest end of each link."""
    spans_ns: list[int]
    """Latest end of each link as the whole way from the release bounds it."""
    late: bool = False
    """Whether a release may wait until the job before it completes, in its last CPU step."""
    backlogged: bool = False
    """Whether a job may begin later than it is released, after the one before it."""

    @classmethod
    def of(cls, taskset: TaskSet, task: TaskModel) -> Stages:
        """The least that is possible: a job alone."""
        jitter = task.early_ns + task.jitter_ns
        chain = links(taskset, task)
        earliest = accumulate((link.least_ns for link in chain[:-1]), initial=0)
        done = list(accumulate((link.cost_ns for link in chain), initial=jitter))[1:]
        return cls(task, chain, tuple(earliest), jitter, done, list(done))

    @property
    def finish_ns(self) -> int:
        """Latest completion."""
        return self.done_ns[-1]

    @property
    def own_ns(self) -> int:
        """A job alone."""
        return sum(link.cost_ns for link in self.links)

    @property
    def last_cpu_step_ns(self) -> int:
        """CPU time of the last CPU step, resume and completion included."""
        return self.links[-1].last_ns

    @cached_property
    def longest_cpu_step_ns(self) -> int:
        """Longest CPU step, resume included."""
        return max(link.longest_ns for link in self.links if not link.npu)

    def arrival_ns(self, link: int) -> int:
        """Latest arrival at a link."""
        if link:
            return self.done_ns[link - 1]
        return (
            self.done_ns[0] - self.links[0].cost_ns if self.backlogged else self.release_jitter_ns
        )

    def submit_jitter_ns(self, link: int) -> int:
        """Between the earliest and the latest arrival at a link."""
        return self.arrival_ns(link) - self.earliest_ns[link]

    def places(self, npu: bool) -> tuple[int, ...]:
        """Its links on one resource."""
        return self.npu_places if npu else self.cpu_places

    @cached_property
    def npu_places(self) -> tuple[int, ...]:
        """Its links on the NPU."""
        return tuple(place for place, link in enumerate(self.links) if link.npu)

    @cached_property
    def cpu_places(self) -> tuple[int, ...]:
        """Its links on the CPU."""
        return tuple(place for place, link in enumerate(self.links) if not link.npu)

    def loads(self, npu: bool) -> list[Load]:
        """What its links on one resource execute in a window."""
        return [
            Load(
                self.done_ns[place] - self.links[place].cost_ns - self.earliest_ns[place],
                self.task.period_ns,
                self.links[place].cost_ns,
            )
            for place in self.places(npu)
        ]

    def cpu_gap_ns(self) -> int:
        """Least time between two of its links on the CPU."""
        between = min((link.least_ns for link in self.links if link.npu), default=INFINITE)
        rest = 0 if self.backlogged else self.task.period_ns - self.finish_ns
        return max(min(rest, between), 0)

    def latest_ns(self, ends_ns: Sequence[int]) -> list[int]:
        """Latest end of each link from bounds on them all: what follows one might take all of it.

        The bounds must not depend on what is made of them here.
        """
        found = list(ends_ns)
        for place in range(len(found) - 1, 0, -1):
            found[place - 1] = min(found[place - 1], found[place] - self.links[place].cost_ns)
        return found

    def unbounded(self) -> bool:
        """Whether nothing holds."""
        return self.finish_ns >= INFINITE

    def give_up(self) -> None:
        """Nothing can be said of it, nor of what depends on it."""
        self.done_ns = [INFINITE] * len(self.links)


def fixed_point(function: Callable[[int], int], horizon_ns: int, start_ns: int = 0) -> int:
    """Least fixed point of a growing function from a start below it; `INFINITE` past a horizon."""
    value = start_ns
    while value <= horizon_ns:
        following = function(value)
        if following <= value:
            return value
        value = following
    return INFINITE


def floor_of_fixed_point(constant_ns: int, load: Sequence[tuple[int, int]]) -> int:
    """Where to start iterating ``x = constant + sum((x // period + 1) * cost)``.

    No fixed point is below the one of the fluid load; billionths rounded down keep it integer.
    Returns `INFINITE` if the load leaves nothing.
    """
    scale = 1_000_000_000
    share = sum(cost * scale // period for cost, period in load)
    if share >= scale:
        return INFINITE
    return constant_ns * scale // (scale - share)
