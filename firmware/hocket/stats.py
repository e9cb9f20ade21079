# SPDX-License-Identifier: Apache-2.0
# Figures of one task, as the kernel's blocks of words have them.
from .agenda import FIELDS


# Has what FIELDS names: jobs started, completed, misses, skipped, aborted, faults and the extremes
# of the responses in us.
class Stats:
    __slots__ = ("_agenda", "_dispatcher", "_index", "_slot")

    def __init__(self, agenda, index, dispatcher, slot):
        self._agenda = agenda
        self._index = index
        self._dispatcher = dispatcher
        self._slot = slot

    def __getattr__(self, name):
        if name in FIELDS:
            return self._agenda.statistic(self._index, name)
        raise AttributeError(name)

    def clear(self):
        self._agenda.clear(self._index)
        self._dispatcher.clear(self._slot)

    # Rounded down.
    @property
    def response_mean_us(self):
        return self._agenda.mean_us(self._index)

    # Longest time in one job that it was ready while a task of lower priority held the NPU.
    @property
    def blocking_max_us(self):
        return self._dispatcher.blocking_max_us(self._slot)

    # NPU cycles of all its segments, by the NPU's own counter.
    @property
    def npu_cycles(self):
        return self._dispatcher.cycles(self._slot)


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


# A table of (name, Stats) pairs, one line each, cell by cell.
def cells(rows):
    yield "%-16s" % "task"
    for title, _ in _COLUMNS:
        yield "%11s" % title
    for name, stats in rows:
        yield "\n%-16s" % name
        for _, attribute in _COLUMNS:
            yield "%11d" % getattr(stats, attribute)
