# SPDX-License-Identifier: Apache-2.0
"""How much CPU time dispatches and releases can take from whatever runs in a stretch of time."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from .taskset import TaskSet


class Dispatches:
    """Bounds the dispatches and releases that touch a window.

    Releases come by period, also those of less urgent tasks and those that are skipped. What bounds
    dispatches are the segments that must lie between them.

    Of n dispatches in a window, n-1 whole segments lie in it too. No segment occurs twice without
    the rest of its job in between, so a window holds at most ``1 + window // shortest job`` copies
    of each, and the shortest ones are the worst.
    """

    def __init__(self, taskset: TaskSet) -> None:
        self._cost = cost = taskset.dispatch_ns
        self._blocks = sorted(e + cost for task in taskset.tasks for e in task.segments_ns)
        self._sums = list(accumulate(self._blocks, initial=0))
        self._shortest_job = min(taskset.demand_ns(task) for task in taskset.tasks)
        self._release = taskset.release_ns
        self._releases = [(t.period_ns, t.early_ns + t.jitter_ns) for t in taskset.tasks]

    def count(self, window_ns: int) -> int:
        """Greatest number of dispatches that touch a window of a length."""
        copies = 1 + window_ns // self._shortest_job
        room = window_ns + self._cost
        kinds = bisect_right(self._sums, room // copies) - 1
        whole = copies * kinds
        if kinds < len(self._blocks):
            left = room - copies * self._sums[kinds]
            whole += min(left // self._blocks[kinds], copies)
        return whole + 1

    def stolen_ns(self, window_ns: int) -> int:
        """CPU time that they take."""
        stolen = self._cost * self.count(window_ns) if self._cost else 0
        if self._release:
            times = sum((window_ns + jitter) // period + 1 for period, jitter in self._releases)
            stolen += self._release * times
        return stolen
