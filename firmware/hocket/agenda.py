# SPDX-License-Identifier: Apache-2.0
# Which task is ready, when the next jobs are released, and what became of the last ones: numbers
# alone, in one block of words. Looking into objects instead would take most of a resume's time.
#
# Rows of periodic tasks come first, in their order; rows of spawned tasks follow. An interrupt may
# make a task ready, so nothing here needs more than one store to be seen whole.
from array import array

import micropython
from micropython import const

_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)

# Words of the block, then a row a task.
_COUNT = const(0)
_PERIODIC = const(1)  # how many of them have periods
_SEQUENCE = const(2)
_SOON = const(3)  # tick of the next release
_HEAD = const(4)

_READY = const(0)
_PRIORITY = const(1)
_ORDER = const(2)
_NEXT = const(3)  # tick of the next release, and the nanoseconds beyond it
_NEXT_NS = const(4)
_PERIOD_US = const(5)
_PERIOD_NS = const(6)
_ACTIVE = const(7)  # a job is under way; its release and deadline as ticks
_MISSED = const(8)
_RELEASED = const(9)
_DEADLINE = const(10)
_RELATIVE = const(11)  # deadline in us
_JOBS = const(12)  # from here on statistics, as FIELDS names them
_COMPLETED = const(13)
_MIN = const(18)
_MAX = const(19)
_SUM_LOW = const(20)  # 30 bits
_SUM_HIGH = const(21)
_ROW = const(22)

FIELDS = (
    "jobs", "completed", "misses", "skipped", "aborted", "faults", "response_min_us",
    "response_max_us",
)  # fmt: skip

# Of release(): the job before is unfinished.
BUSY = const(0x20000000)


# A row starts at this word.
def row_of(index):
    return _HEAD + index * _ROW


class Agenda:
    def __init__(self, periodic):
        self.words = array("I", bytes(4 * (_HEAD + periodic * _ROW)))
        self.words[_COUNT] = self.words[_PERIODIC] = periodic

    # A row for a task without a period.
    def add(self):
        self.words.extend(array("I", bytes(4 * _ROW)))
        self.words[_COUNT] += 1

    # Periods count from a tick on, the first release being an offset later.
    def begin(self, index, now, offset_ns, period_ns):
        w = self.words
        row = _HEAD + index * _ROW
        w[row + _PERIOD_US] = period_ns // 1000
        w[row + _PERIOD_NS] = period_ns % 1000
        w[row + _NEXT] = (now + offset_ns // 1000) & _MASK
        w[row + _NEXT_NS] = offset_ns % 1000

    # As the lists of tasks have it, for the one of those that are ready.
    def push(self, task):
        task.place = self
        push(self.words, task.index, task.priority)

    def remove(self, task):
        task.place = None
        self.words[_HEAD + task.index * _ROW + _READY] = 0


@micropython.viper
def push(words, index: int, priority: int):
    w = ptr32(words)  # noqa: F821
    row = _HEAD + index * _ROW
    sequence = (w[_SEQUENCE] + 1) & _MASK
    w[_SEQUENCE] = sequence
    w[row + _PRIORITY] = priority
    w[row + _ORDER] = sequence
    w[row + _READY] = 1


# Takes the most urgent task that is ready, equals in order of arrival; -1 if there is none.
@micropython.viper
def pop(words) -> int:
    w = ptr32(words)  # noqa: F821
    best = -1
    b = 0
    row = _HEAD
    for index in range(w[_COUNT]):
        if w[row + _READY]:
            d = -1
            if best >= 0:
                d = w[row + _PRIORITY] - w[b + _PRIORITY]
                if d == 0 and (w[row + _ORDER] - w[b + _ORDER]) & _MASK >= _HALF:
                    d = -1
            if d < 0:
                best = index
                b = row
        row += _ROW
    if best >= 0:
        w[b + _READY] = 0
    return best


# The task whose release is due, the longest due and then the first one; -1 if there is none.
@micropython.viper
def due(words, now: int) -> int:
    w = ptr32(words)  # noqa: F821
    best = -1
    least = _HALF
    row = _HEAD
    for index in range(w[_PERIODIC]):
        ahead = (w[row + _NEXT] - now) & _MASK
        if ahead >= _HALF:
            ahead = ahead - _MASK - 1
        if ahead < least:
            least = ahead
            best = index
        row += _ROW
    if least > 0:
        w[_SOON] = (now + least) & _MASK
        return -1
    return best


# Releases a task: how late in us, and BUSY besides if no job was started. The sum of what a
# period has beyond microseconds is kept, so a million periods end where they should.
@micropython.viper
def release(words, index: int, now: int) -> int:
    w = ptr32(words)  # noqa: F821
    row = _HEAD + index * _ROW
    tick = w[row + _NEXT]
    ns = w[row + _NEXT_NS] + w[row + _PERIOD_NS]
    us = w[row + _PERIOD_US]
    if ns >= 1000:
        ns -= 1000
        us += 1
    w[row + _NEXT_NS] = ns
    w[row + _NEXT] = (tick + us) & _MASK
    late = (now - tick) & _MASK
    if w[row + _ACTIVE]:
        return late + BUSY
    w[row + _ACTIVE] = 1
    w[row + _MISSED] = 0
    w[row + _RELEASED] = tick
    w[row + _DEADLINE] = (tick + w[row + _RELATIVE]) & _MASK
    w[row + _JOBS] += 1
    return late


# Books the end of a job's body: by how many us it is late, negative when early.
@micropython.viper
def complete(words, index: int, now: int) -> int:
    w = ptr32(words)  # noqa: F821
    row = _HEAD + index * _ROW
    us = (now - w[row + _RELEASED]) & _MASK
    if w[row + _COMPLETED] == 0 or us < w[row + _MIN]:
        w[row + _MIN] = us
    if us > w[row + _MAX]:  # noqa: PLR1730 - max() would be a call
        w[row + _MAX] = us
    w[row + _COMPLETED] += 1
    total = w[row + _SUM_LOW] + us
    w[row + _SUM_LOW] = total & _MASK
    w[row + _SUM_HIGH] += (total >> 30) & 1
    w[row + _ACTIVE] = 0
    return us - w[row + _RELATIVE]
