# SPDX-License-Identifier: Apache-2.0
# Figures of one task. Sums are kept in two parts because a long one leaves the small integers.
from micropython import const

_MILLION = const(1000000)


class Stats:
    __slots__ = (
        "_npu", "_seconds", "_sum", "aborted", "completed", "faults", "jobs", "misses",
        "response_max_us", "response_min_us", "skipped",
    )  # fmt: skip

    def __init__(self, npu):
        self._npu = npu  # of the dispatcher: cycles and blocking of the slot
        self.clear()

    def clear(self):
        self.jobs = 0  # started
        self.completed = 0
        self.misses = 0
        self.skipped = 0
        self.aborted = 0
        self.faults = 0
        self.response_min_us = 0
        self.response_max_us = 0
        self._sum = 0
        self._seconds = 0
        self._npu.clear()

    def response(self, us):
        if self.completed == 0 or us < self.response_min_us:
            self.response_min_us = us
        self.response_max_us = max(self.response_max_us, us)
        self.completed += 1
        total = self._sum + us
        self._seconds += total // _MILLION
        self._sum = total % _MILLION

    # Rounded down.
    @property
    def response_mean_us(self):
        if self.completed == 0:
            return 0
        return (self._seconds * 1000000 + self._sum) // self.completed

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
