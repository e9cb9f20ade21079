# SPDX-License-Identifier: Apache-2.0
# Tasks, the lists that they stand in, and the timers. Links lie in the tasks and timers
# themselves, so queueing allocates nothing.
from micropython import const

_MASK = const(0x3FFFFFFF)  # as port._MASK
_HALF = const(0x20000000)  # as port._HALF

LEAST_URGENT = const(255)

current = None  # the task that runs now


# A coroutine and its place among the others. A task stands in one list at a time, and may have
# its timer running besides.
class Task:
    __slots__ = (
        "_next", "base", "coro", "error", "held", "index", "kernel", "name", "periodic", "place",
        "priority", "started", "timer",
    )  # fmt: skip

    def __init__(self, kernel, name, coro, priority, index):
        self.kernel = kernel
        self.name = name
        self.coro = coro
        self.started = False  # the coroutine was resumed
        self.index = index  # of its row in the agenda
        self.base = priority
        self.priority = priority  # effective: raised while a lock is held
        self.held = None  # chain of the locks held
        self.place = None  # what it waits in: has remove(task)
        self.error = None  # to be thrown at the next resume
        self.periodic = None  # what releases it, if anything does
        self.timer = None  # made at the first sleep
        kernel.agenda.set_priority(index, priority)
        self._next = None

    # From wherever it waits to those that are ready.
    def make_ready(self):
        kernel = self.kernel
        if self.place is not None:
            self.place.remove(self)
        if self.timer is not None:
            kernel.timers.remove(self.timer)
        kernel.agenda.push(self)

    # Off whatever it waits for. It may be ready before it is off its place there.
    def detach(self):
        if self.place is not None:
            self.place.remove(self)
        self.kernel.agenda.remove(self)
        if self.timer is not None:
            self.kernel.timers.remove(self.timer)
        self.error = None

    # Ready again at a tick.
    def sleep(self, tick):
        if self.timer is None:
            self.timer = Timer(_wake, self)
        self.kernel.timers.add(self.timer, tick)

    # The effective priority.
    def raise_to(self, priority):
        self.priority = priority
        self.kernel.agenda.set_priority(self.index, priority)


# Tasks that wait for one thing: most urgent first, equals in order of arrival.
class TaskList:
    __slots__ = ("_port", "head")

    def __init__(self, port):
        self.head = None
        self._port = port

    # Interrupts may set events, so the links are changed with interrupts held.
    def push(self, task):
        irq = self._port.hold_irq()
        task.place = self
        before = None
        after = self.head
        while after is not None and after.priority <= task.priority:
            before = after
            after = after._next
        task._next = after
        if before is None:
            self.head = task
        else:
            before._next = task
        self._port.let_irq(irq)

    # The most urgent, or None.
    def pop(self):
        irq = self._port.hold_irq()
        task = self.head
        if task is not None:
            self.head = task._next
            task.place = None
        self._port.let_irq(irq)
        return task

    def remove(self, task):
        irq = self._port.hold_irq()
        if self.head is task:
            self.head = task._next
        else:
            before = self.head
            while before._next is not task:
                before = before._next
            before._next = task._next
        task.place = None
        self._port.let_irq(irq)


# Calls fire(owner, now) at a tick.
class Timer:
    __slots__ = ("_next", "armed", "fire", "owner", "tick")

    def __init__(self, fire, owner):
        self.fire = fire
        self.owner = owner
        self.tick = 0
        self.armed = False
        self._next = None


# Timers in the order of their ticks, equals in order of arrival. All lie within 2**29 us.
class TimerList:
    __slots__ = ("head",)

    def __init__(self):
        self.head = None

    # One that is to be first goes before others of its tick.
    def add(self, timer, tick, first=False):
        timer.tick = tick
        timer.armed = True
        before = None
        after = self.head
        while after is not None:
            ahead = (tick - after.tick) & _MASK
            if ahead >= _HALF or (first and ahead == 0):
                break
            before = after
            after = after._next
        timer._next = after
        if before is None:
            self.head = timer
        else:
            before._next = timer

    def remove(self, timer):
        if not timer.armed:
            return
        timer.armed = False
        if self.head is timer:
            self.head = timer._next
            return
        before = self.head
        while before._next is not timer:
            before = before._next
        before._next = timer._next


def _wake(task, now):
    if task.place is not None:  # a wait with a time limit
        task.place.remove(task)
    task.kernel.agenda.push(task)
