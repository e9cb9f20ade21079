# SPDX-License-Identifier: Apache-2.0
# Figures of one task, as the kernel's blocks of words have them.
from micropython import const

from .agenda import FIELDS

_JOBS = const(12)
_SUM_LOW = const(20)
_SUM_HIGH = const(21)


# Has what FIELDS names: jobs started, completed, misses, skipped, aborted, faults and the extremes
# of the responses in us.
class Stats:
    __slots__ = ("_npu", "_row", "_words")

    # The words of an agenda from a row on, and the dispatcher's figures of the slot.
    def __init__(self, words, row, npu):
        self._words = words
        self._row = row
        self._npu = npu

    def __getattr__(self, name):
        if name in FIELDS:
            return self._words[self._row + _JOBS + FIELDS.index(name)]
        raise AttributeError(name)

    def count(self, name):
        self._words[self._row + _JOBS + FIELDS.index(name)] += 1

    def clear(self):
        for at in range(self._row + _JOBS, self._row + _SUM_HIGH + 1):
            self._words[at] = 0
        self._npu.clear()

    # Rounded down.
    @property
    def response_mean_us(self):
        completed = self.completed
        if completed == 0:
            return 0
        row = self._row
        return (self._words[row + _SUM_HIGH] << 30 | self._words[row + _SUM_LOW]) // completed

    # Longest time in one job that it was ready while a task of lower priority held the NPU.
    @property
    def blocking_max_us(self):
        return self._npu.blocking_max_us()

    # NPU cycles of all its segments, by the NPU's own counter.
    @property
    def npu_cycles(self):
        return self._npu.cycles()


_COLUMNS = (
    ("jobs", "jobs"),
    ("done", "completed"),
    ("miss", "misses"),
    ("skip", "skipped"),
    ("abort", "aborted"),
    ("fault", "faults"),
    ("min us", "response_min_us"),
    ("mean us", "response_mean_us"),
    ("max us", "response_max_us"),
    ("blocked us", "blocking_max_us"),
    ("NPU cycles", "npu_cycles"),
)


# A table of (name, Stats) pairs, one line each.
def table(rows):
    lines = ["%-16s" % "task" + "".join(["%11s" % title for title, _ in _COLUMNS])]
    for name, stats in rows:
        lines.append("%-16s" % name + "".join(["%11d" % getattr(stats, a) for _, a in _COLUMNS]))
    return "\n".join(lines)
