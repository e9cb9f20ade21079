# SPDX-License-Identifier: Apache-2.0
# What the kernel does next: which job is released, which task is resumed, how long to sleep. It is
# decided by numbers alone, in one block of words, so that a port can do it in C: from objects it
# would take most of a resume's time.
#
# Rows of periodic tasks come first, in their order; rows of spawned tasks follow. An interrupt may
# make a task ready, so nothing here needs more than one store to be seen whole.
from array import array

from micropython import const

_MASK = const(0x3FFFFFFF)  # as port._MASK
_HALF = const(0x20000000)  # as port._HALF
# Kinds of trace, and there a task without a place in the container.
_COMPLETE = const(4)  # as trace.COMPLETE
_RESUME = const(8)  # as trace.RESUME
_LEAST_URGENT = const(255)  # as task.LEAST_URGENT

# Words of the block, then a row a task.
_COUNT = const(0)
_PERIODIC = const(1)  # how many of them have periods
_SEQUENCE = const(2)
_SHARED = const(3)  # some nets share an arena
_HEAD = const(4)

_READY = const(0)
_PRIORITY = const(1)
_ORDER = const(2)
_SLOT = const(3)
_NEXT = const(4)  # tick of the next release, and the nanoseconds beyond it
_NEXT_NS = const(5)
_PERIOD_US = const(6)
_PERIOD_NS = const(7)
_ACTIVE = const(8)  # a job is under way; its release and deadline as ticks
_MISSED = const(9)
_RELEASED = const(10)
_DEADLINE = const(11)
_RELATIVE = const(12)  # deadline in us
_JOBS = const(13)  # from here on statistics, the first of them as FIELDS names them
_COMPLETED = const(14)
_MIN = const(19)
_MAX = const(20)
_SUM = const(21)  # of responses in us: millions apart, as more would be no small integer
_MILLIONS = const(22)
_ROW = const(23)

_MILLION = const(1000000)

FIELDS = (
    "jobs", "completed", "misses", "skipped", "aborted", "faults", "response_min_us",
    "response_max_us",
)  # fmt: skip

# Of step(), which else returns the task to resume; of _RELEASE the task's index is subtracted.
_IDLE = const(-1)  # there was nothing to do
_WATCH = const(-2)  # the watchdog's check is due
_COLLECT = const(-3)  # an arena that is shared may have become free
_RELEASE = const(-4)

# Of the dispatcher's block.
_CURRENT = const(1)  # as dispatch._CURRENT
_CHECK = const(4)  # as dispatch._CHECK
_FINISHED = const(7)  # as dispatch._FINISHED
_NONE = const(255)  # as dispatch._NONE


class Agenda:
    def __init__(self, periodic, port, dispatcher, polled=False):
        self.words = array("I", bytes(4 * (_HEAD + periodic * _ROW)))
        self.words[_COUNT] = self.words[_PERIODIC] = periodic
        self._port = port
        self._dispatcher = dispatcher
        self._polled = polled
        if port.agenda is not None and not polled:
            native = port.agenda(self.words, dispatcher.native)
            self.step = native.step
            self.complete = native.complete

    # A row for a task without a period.
    def add(self):
        self.words.extend(array("I", bytes(4 * _ROW)))
        self.words[_COUNT] += 1

    # The row of a periodic task.
    def set_up(self, index, slot, deadline_us, shared):
        row = _HEAD + index * _ROW
        self.words[row + _SLOT] = slot
        self.words[row + _RELATIVE] = deadline_us
        if shared:
            self.words[_SHARED] = 1

    # Periods count from a tick on, the first release being an offset later.
    def begin(self, index, now, offset_ns, period_ns):
        w = self.words
        row = _HEAD + index * _ROW
        w[row + _PERIOD_US] = period_ns // 1000
        w[row + _PERIOD_NS] = period_ns % 1000
        w[row + _NEXT] = (now + offset_ns // 1000) & _MASK
        w[row + _NEXT_NS] = offset_ns % 1000

    def set_priority(self, index, priority):
        self.words[_HEAD + index * _ROW + _PRIORITY] = priority

    def is_ready(self, index):
        return self.words[_HEAD + index * _ROW + _READY]

    # As the lists of tasks have it, for the one of those that are ready.
    def push(self, task):
        task.place = self
        self.make_ready(task.index)

    def remove(self, task):
        task.place = None
        self.words[_HEAD + task.index * _ROW + _READY] = 0

    def make_ready(self, index):
        w = self.words
        row = _HEAD + index * _ROW
        sequence = (w[_SEQUENCE] + 1) & _MASK
        w[_SEQUENCE] = sequence
        w[row + _ORDER] = sequence
        w[row + _READY] = 1

    # What is to be done now, in the order of the constants above and then a task to be resumed.
    # Without anything it sleeps, to an interrupt or a tick at most.
    def step(self, until):
        port = self._port
        dispatcher = self._dispatcher
        block = dispatcher.words
        w = self.words
        now = port.ticks_us()
        if block[_CURRENT] != _NONE:
            if self._polled:
                dispatcher.interrupt(None)
            if (now - block[_CHECK]) & _MASK < _HALF:
                return _WATCH
        index = self.due(now)
        if index >= 0:
            return _RELEASE - index
        if block[_FINISHED]:
            block[_FINISHED] = 0
            for slot in range(block[_COUNT]):
                index = dispatcher.wake(slot)
                if index >= 0:
                    self.make_ready(index)
            if w[_SHARED]:
                return _COLLECT
        index = self.pop()
        if index < 0:
            # Handlers are held from the look for work to the wait, or the one that brings it could
            # come between the two and be slept over.
            irq = port.hold_irq()
            index = self.pop()
            if index < 0 and not block[_FINISHED]:
                self._sleep(until)
            port.let_irq(irq)
            if index < 0:
                return _IDLE
        if port.charge_resume is not None:
            port.charge_resume()
        name = index if index < w[_PERIODIC] else _LEAST_URGENT
        dispatcher.record(port.ticks_us(), _RESUME, name << 16)
        return index

    def _sleep(self, until):
        w = self.words
        for index in range(w[_PERIODIC]):
            tick = w[_HEAD + index * _ROW + _NEXT]
            if until is None or (tick - until) & _MASK >= _HALF:
                until = tick
        block = self._dispatcher.words
        if block[_CURRENT] != _NONE:
            if self._polled:
                return
            if until is None or (block[_CHECK] - until) & _MASK >= _HALF:
                until = block[_CHECK]
        self._dispatcher.sleep(until)

    # Takes the most urgent task that is ready, equals in order of arrival; -1 if there is none.
    def pop(self):
        w = self.words
        best = -1
        b = 0
        for index in range(w[_COUNT]):
            row = _HEAD + index * _ROW
            if w[row + _READY] and (
                best < 0
                or w[row + _PRIORITY] < w[b + _PRIORITY]
                or w[row + _PRIORITY] == w[b + _PRIORITY]
                and (w[row + _ORDER] - w[b + _ORDER]) & _MASK >= _HALF
            ):
                best = index
                b = row
        if best >= 0:
            w[b + _READY] = 0
        return best

    # The task whose release is due longest, and of those the first; -1 if there is none.
    def due(self, now):
        w = self.words
        best = -1
        longest = -1
        for index in range(w[_PERIODIC]):
            late = (now - w[_HEAD + index * _ROW + _NEXT]) & _MASK
            if longest < late < _HALF:
                longest = late
                best = index
        return best

    # Moves a task's release on by a period and returns the tick that it had. What a period has
    # beyond microseconds is summed, so a million of them end where they should.
    def advance(self, index):
        w = self.words
        row = _HEAD + index * _ROW
        tick = w[row + _NEXT]
        ns = w[row + _NEXT_NS] + w[row + _PERIOD_NS]
        w[row + _NEXT_NS] = ns % 1000
        w[row + _NEXT] = (tick + w[row + _PERIOD_US] + ns // 1000) & _MASK
        return tick

    # A job begins that was released at a tick.
    def begin_job(self, index, tick):
        w = self.words
        row = _HEAD + index * _ROW
        w[row + _ACTIVE] = 1
        w[row + _MISSED] = 0
        w[row + _RELEASED] = tick
        w[row + _DEADLINE] = (tick + w[row + _RELATIVE]) & _MASK
        w[row + _JOBS] += 1

    # Whether a job is under way.
    def is_active(self, index):
        return self.words[_HEAD + index * _ROW + _ACTIVE]

    # The present job is not completed, but over.
    def drop(self, index):
        self.words[_HEAD + index * _ROW + _ACTIVE] = 0

    # Tick of the present job's release, or of the last one's.
    def released(self, index):
        return self.words[_HEAD + index * _ROW + _RELEASED]

    # Which of the words is the tick of its deadline.
    def deadline_at(self, index):
        return _HEAD + index * _ROW + _DEADLINE

    # True once a job.
    def miss(self, index):
        row = _HEAD + index * _ROW
        if self.words[row + _MISSED]:
            return False
        self.words[row + _MISSED] = 1
        return True

    # Books the end of a job's body: by how many us it is late, not above 0 when in time.
    def complete(self, index):
        w = self.words
        row = _HEAD + index * _ROW
        now = self._port.ticks_us()
        us = (now - w[row + _RELEASED]) & _MASK
        if w[row + _COMPLETED] == 0 or us < w[row + _MIN]:
            w[row + _MIN] = us
        w[row + _MAX] = max(w[row + _MAX], us)
        w[row + _COMPLETED] += 1
        total = w[row + _SUM] + us
        w[row + _MILLIONS] += total // _MILLION
        w[row + _SUM] = total % _MILLION
        w[row + _ACTIVE] = 0
        self._dispatcher.record(now, _COMPLETE, index << 16)
        return us - w[row + _RELATIVE]

    # Statistics of a task, by the names in FIELDS.
    def statistic(self, index, name):
        return self.words[_HEAD + index * _ROW + _JOBS + FIELDS.index(name)]

    def count(self, index, name):
        self.words[_HEAD + index * _ROW + _JOBS + FIELDS.index(name)] += 1

    def clear(self, index):
        row = _HEAD + index * _ROW
        for at in range(row + _JOBS, row + _ROW):
            self.words[at] = 0

    # Mean of the responses in us, rounded down.
    def mean_us(self, index):
        w = self.words
        row = _HEAD + index * _ROW
        return (w[row + _MILLIONS] * _MILLION + w[row + _SUM]) // max(w[row + _COMPLETED], 1)
