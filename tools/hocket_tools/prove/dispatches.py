# SPDX-License-Identifier: Apache-2.0
"""How much CPU time dispatches and releases can take from whatever runs in a stretch of time."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from .chain import links
from .stages import BACKLOG
from .taskset import TaskSet


class Dispatches:
    """Bounds the dispatches and releases that delay what happens in some stretches of time.

    Of n dispatches in a stretch, n-1 whole segments lie in it too. No segment occurs twice without
    the rest of its job in between, so stretches hold at most one copy of each, and as many
    more as the shortest job fits into them all; the shortest segments are the worst.

    Releases come by period, also those of less urgent tasks and those that are skipped. Those that
    fall due while the CPU is taken are handled later, so a stretch may include some that fell due
    before it.
    """

    def __init__(self, taskset: TaskSet) -> None:
        self._cost = cost = taskset.dispatch_ns
        self._blocks = sorted(e + cost for task in taskset.tasks for e in task.fastest_ns)
        self._sums = list(accumulate(self._blocks, initial=0))
        self._segments = list(accumulate((b - cost for b in self._blocks), initial=0))
        jobs = [
            sum(task.fastest_ns) + len(task.segments_ns) * cost
            for task in taskset.tasks
            if task.segments_ns
        ]
        self._shortest_job = max(min(jobs, default=0), 1)
        self._release = taskset.release_ns
        chains = [links(taskset, task) for task in taskset.tasks]
        step = max(link.longest_ns for chain in chains for link in chain if not link.npu)
        # All that the kernel may do between two checks of the time.
        turn = step + len(taskset.tasks) * self._release
        turn += self._cost * self._fitting(turn, 1)
        self.handled_ns = [t.early_ns + t.jitter_ns + turn for t in taskset.tasks]
        """Latest instant at which a release is handled, by task, from its earliest."""
        periods = [t.period_ns for t in taskset.tasks]
        self._releases = list(zip(periods, self.handled_ns, strict=True))
        # One job under way in each window, besides those that are released; or as many as wait.
        self._jobs = [
            (t.period_ns, handled + (1 + BACKLOG * (t.overrun == "queue")) * t.period_ns, number)
            for t, handled in zip(taskset.tasks, self.handled_ns, strict=True)
            if (number := len(t.segments_ns))
        ]

    def count(self, window_ns: int) -> int:
        """Greatest number of dispatches that touch a stretch of some length."""
        return min(self._fitting(window_ns, 1), self._released(window_ns))

    def _released(self, window_ns: int) -> int:
        """Segments of all jobs that can be under way in a window."""
        return sum([((window_ns + j) // period + 1) * count for period, j, count in self._jobs])

    def _fitting(self, window_ns: int, stretches: int) -> int:
        """Dispatches of which as many segments fit in between."""
        if not self._blocks:
            return 0
        copies = stretches + window_ns // self._shortest_job
        room = window_ns + stretches * self._cost
        each = room // copies
        if each < self._blocks[0]:
            # Seldom more than the very shortest.
            return min(room // max(self._blocks[0], 1), copies) + stretches
        kinds = bisect_right(self._sums, each) - 1
        whole = copies * kinds
        if kinds < len(self._blocks):
            left = room - copies * self._sums[kinds]
            whole += min(left // max(self._blocks[kinds], 1), copies)
        return whole + stretches

    def dispatched_ns(self, window_ns: int) -> int:
        """CPU time of dispatches."""
        return self._cost * self.count(window_ns) if self._cost else 0

    def meanwhile_ns(self, busy_ns: int, stretches: int, window_ns: int) -> int:
        """CPU time of dispatches while the CPU has so much else to do, all within a window.

        They lengthen the stretches themselves. The segments between them do not: no more than the
        other work leaves room for.
        """
        if not self._cost or not self._blocks:
            return 0
        room = busy_ns + 2 * stretches * self._cost
        taken = 0
        for length in (window_ns, busy_ns):
            copies = stretches + min(length + taken, window_ns) // self._shortest_job
            kinds = bisect_right(self._segments, room // copies) - 1
            whole = copies * kinds
            if kinds < len(self._blocks):
                left = room - copies * self._segments[kinds]
                shortest = self._blocks[kinds] - self._cost
                whole += min(left // shortest, copies) if shortest else copies
            taken = self._cost * (whole + stretches)
        return min(taken, self._cost * self._released(window_ns))

    def released_ns(self, window_ns: int) -> int:
        """CPU time of releases."""
        if not self._release:
            return 0
        return self._release * sum([(window_ns + j) // period + 1 for period, j in self._releases])

    def stolen_ns(self, window_ns: int) -> int:
        """CPU time of both in one stretch."""
        return self.dispatched_ns(window_ns) + self.released_ns(window_ns)
