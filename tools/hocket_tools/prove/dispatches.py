# SPDX-License-Identifier: Apache-2.0
"""How much CPU time dispatches and releases can take from whatever runs in a stretch of time."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from .chain import links
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
        self._releases: list[tuple[int, int]] = []
        if self._release:
            chains = [links(taskset, task) for task in taskset.tasks]
            step = max(link.longest_ns for chain in chains for link in chain if not link.npu)
            # All that the kernel may do between two checks of the time.
            turn = step + len(taskset.tasks) * self._release
            turn += self._cost * self.count(turn)
            self._releases = [(t.period_ns, t.early_ns + t.jitter_ns + turn) for t in taskset.tasks]

    def count(self, window_ns: int, stretches: int = 1) -> int:
        """Greatest number of dispatches that touch stretches of a length in all."""
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

    def dispatched_ns(self, window_ns: int, stretches: int = 1) -> int:
        """CPU time of dispatches."""
        return self._cost * self.count(window_ns, stretches) if self._cost else 0

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
        return taken

    def released_ns(self, window_ns: int) -> int:
        """CPU time of releases."""
        return self._release * sum([(window_ns + j) // period + 1 for period, j in self._releases])

    def stolen_ns(self, window_ns: int) -> int:
        """CPU time of both in one stretch."""
        return self.dispatched_ns(window_ns) + self.released_ns(window_ns)
