# SPDX-License-Identifier: Apache-2.0
"""How long less urgent work can be in a job's way: one stretch of it each time that it comes.

Whoever comes to a unit may find a less urgent segment or CPU step under way. A job that comes many
times is blocked by as many stretches, but by each of them once: so their sum is at most that of the
longest that can be executed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from .stages import Stages

_ANY: Mapping[int, int] = {}


class Stretch(NamedTuple):
    """Less urgent work that nothing interrupts."""

    length_ns: int
    times: int
    """In a job."""
    spread_ns: int
    """Between the earliest begin and the latest end, from release to release."""
    period_ns: int
    task: int

    def count(self, window_ns: int) -> int:
        """How many of it a window can touch."""
        return self.times * ((window_ns + self.spread_ns) // self.period_ns + 1)


class Blocking:
    """Stretches that may block a job on one unit, the longest first."""

    def __init__(self, stretches: Sequence[Stretch] = ()) -> None:
        self.stretches = sorted(stretches, reverse=True)
        self.longest_ns = self.stretches[0].length_ns if stretches else 0

    def total_ns(self, visits: int, window_ns: int, room_ns: Mapping[int, int] = _ANY) -> int:
        """Most by which so many visits within a window are blocked, and by a task at most."""
        return sum(ns for _, ns in self.parts(visits, window_ns, room_ns))

    def parts(
        self, visits: int, window_ns: int, room_ns: Mapping[int, int] = _ANY
    ) -> Iterator[tuple[Stretch, int]]:
        """What `total_ns` is made of: stretches, and the time of all that are alike."""
        left = dict(room_ns)
        for stretch in self.stretches:
            if not visits:
                return
            count = min(stretch.count(window_ns), visits)
            taken = count * stretch.length_ns
            room = left.get(stretch.task, taken)
            if room < taken:
                # A stretch cut short might leave its visit to another: count none that is.
                taken = room
                count = taken // stretch.length_ns
            if stretch.task in left:
                left[stretch.task] = room - taken
            visits -= count
            if taken:
                yield stretch, taken


def stretches(
    stages: Stages,
    index: int,
    places: Sequence[int],
    clip_ns: Callable[[int], int] | None = None,
) -> Iterator[Stretch]:
    """Stretches of a task in some of its links.

    Parameters
    ----------
    stages, index
        The task, and its number.
    places
        The links.
    clip_ns
        Makes lengths what they are taken to be; as they are without.
    """
    period = stages.task.period_ns
    for place in places:
        spread = stages.spread_ns(place, place) if stages.proved else stages.most_spread_ns
        for length, times in stages.links[place].lengths:
            taken = length if clip_ns is None else clip_ns(length)
            if taken:
                yield Stretch(taken, times, spread, period, index)
