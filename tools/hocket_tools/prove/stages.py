# SPDX-License-Identifier: Apache-2.0
"""What is known about a task's jobs while bounds are being found.

Each link of a job's chain is an arrival stream of its own with the task's period and a jitter that
grows from link to link (Tindell and Clark, 1994): all instants are relative to the earliest instant
at which the release may come, `TaskModel.early_ns` before the nominal one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from .chain import Link, links
from .taskset import TaskModel, TaskSet

INFINITE = 1 << 60
"""A bound that was not found."""
BACKLOG = 8
"""Jobs that may wait for one unfinished, with ``overrun = "queue"``."""


_LINKS = 32
"""Of a chain, beyond which it is bounded as a whole."""


class Stream(NamedTuple):
    """Work that arrives on a unit once a period; times in ns."""

    earliest_ns: int
    """From the release."""
    jitter_ns: int
    """Between the earliest and the latest arrival."""
    period_ns: int
    cost_ns: int


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
    handled_ns: int
    """Latest that the kernel handles a release, from its earliest instant."""
    late: bool = False
    """Whether a release may wait until the job before it completes, in its last CPU step."""
    backlogged: bool = False
    """Whether a job may begin later than it is released, after the one before it."""
    proved: bool = False
    """Whether the bounds are proved, and not just grown from below."""

    @classmethod
    def of(cls, taskset: TaskSet, task: TaskModel, handled_ns: int) -> Stages:
        """The least that is possible: a job alone."""
        jitter = task.early_ns + task.jitter_ns
        chain = links(taskset, task)
        earliest = accumulate((link.least_ns for link in chain[:-1]), initial=0)
        done = list(accumulate((link.cost_ns for link in chain), initial=jitter))[1:]
        return cls(task, chain, tuple(earliest), jitter, done, list(done), handled_ns)

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
        period = self.task.period_ns
        return [
            Load(self.spread_ns(first, last) - cost, period, cost)
            for first, last, cost in self._groups(npu)
        ]

    def streams(self) -> list[Stream]:
        """What arrives on the NPU."""
        return [
            Stream(
                self.earliest_ns[first],
                self.arrival_ns(last) - self.earliest_ns[first],
                self.task.period_ns,
                cost,
            )
            for first, last, cost in self._groups(npu=True)
        ]

    @cached_property
    def coarse(self) -> bool:
        """Whether its links are not looked at one by one, because there are so many."""
        return len(self.links) > _LINKS

    def _groups(self, npu: bool) -> list[tuple[int, int, int]]:
        """Links on a unit that are looked at together: the first, the last, and what they take."""
        places = self.places(npu)
        if not self.coarse:
            return [(place, place, self.links[place].cost_ns) for place in places]
        total = sum(self.links[place].cost_ns for place in places)
        return [(places[0], places[-1], total)] if places else []

    def spread_ns(self, first: int, last: int) -> int:
        """Between the earliest begin and the latest end of links, counted from the release.

        One job at most is under way, whatever its bound, and as many wait as the kernel keeps: the
        next is handled when it comes, or it is lost.
        """
        return min(self.done_ns[last] - self.earliest_ns[first], self.most_spread_ns)

    @cached_property
    def most_spread_ns(self) -> int:
        """The same, whatever its bounds."""
        jobs = 1 + (BACKLOG if self.task.overrun == "queue" else 0)
        return self.handled_ns + jobs * self.task.period_ns

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
