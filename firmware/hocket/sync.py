# SPDX-License-Identifier: Apache-2.0
# Waiting: for time, for an event, for a place in a queue, for a lock.
from micropython import const

from . import task as core
from .port import ticks_add

_HALF = const(0x20000000)  # as port._HALF


class TimeoutError(Exception):
    pass


class QueueEmpty(Exception):
    pass


class QueueFull(Exception):
    pass


# One object serves every wait that the interpreter can be in: a call arms it, the await that
# must follow at once puts the task into the list, and whoever resumes the task gets to the end.
class _Wait:
    def __init__(self):
        self._until = None  # list to stand in, or tick
        self._end = StopIteration()

    def arm(self, until):
        self._until = until
        return self

    def __iter__(self):
        return self

    __await__ = __iter__

    def __next__(self):
        waiters = self._until
        if waiters is not None:
            self._until = None
            waiters.push(core.current)
            return
        self._end.__traceback__ = None
        raise self._end


# The same for time.
class _Sleep(_Wait):
    def __next__(self):
        tick = self._until
        if tick is not None:
            self._until = None
            core.current.sleep(tick)
            return
        self._end.__traceback__ = None
        raise self._end


_wait = _Wait()
_sleep = _Sleep()


# Sleeps at least so long; 2**29 us at most.
def sleep_us(us):
    if not 0 <= us < _HALF:
        raise ValueError("sleep of %d us" % us)
    task = core.current
    return _sleep.arm(ticks_add(task.kernel.port.ticks_us(), us))


def sleep_ms(ms):
    return sleep_us(ms * 1000)


# Lets tasks that are ready and as urgent go first.
def pause():
    return _wait.arm(core.current.kernel.agenda)


# Awaits something for a time at most, then TimeoutError.
async def wait_for_us(awaitable, us):
    if not 0 <= us < _HALF:
        raise ValueError("time limit of %d us" % us)
    task = core.current
    kernel = task.kernel
    limit = core.Timer(_expire, task)
    kernel.timers.add(limit, ticks_add(kernel.port.ticks_us(), us))
    try:
        return await awaitable
    finally:
        kernel.timers.remove(limit)


def wait_for_ms(awaitable, ms):
    return wait_for_us(awaitable, ms * 1000)


def _expire(task, now):
    agenda = task.kernel.agenda
    if task.place is agenda or (agenda.is_ready(task.index) and task.place.is_over()):
        return  # what it waited for has come already
    task.make_ready()
    task.error = TimeoutError()


# Set by a task or an interrupt; all that wait go on.
class Event:
    def __init__(self):
        self._set = False
        self._waiters = None

    def is_set(self):
        return self._set

    def set(self):
        self._set = True
        if self._waiters is not None:
            _wake_all(self._waiters)

    def clear(self):
        self._set = False

    def wait(self):
        if self._set:
            return _wait
        if self._waiters is None:
            self._waiters = core.TaskList(core.current.kernel.port)
        return _wait.arm(self._waiters)


def _wake_all(waiters):
    while True:
        task = waiters.pop()
        if task is None:
            return
        task.make_ready()


# First in, first out, of a size fixed at the start. The _nowait calls allocate nothing.
class Queue:
    def __init__(self, size):
        if size < 1:
            raise ValueError("queue of size %d" % size)
        self._items = [None] * size
        self._first = 0
        self._count = 0
        self._changed = Event()

    def __len__(self):
        return self._count

    def empty(self):
        return self._count == 0

    def full(self):
        return self._count == len(self._items)

    def put_nowait(self, item):
        if self.full():
            raise QueueFull()
        items = self._items
        items[(self._first + self._count) % len(items)] = item
        self._count += 1
        self._changed.set()
        self._changed.clear()

    def get_nowait(self):
        if self._count == 0:
            raise QueueEmpty()
        items = self._items
        item = items[self._first]
        items[self._first] = None
        self._first = (self._first + 1) % len(items)
        self._count -= 1
        self._changed.set()
        self._changed.clear()
        return item

    async def put(self, item):
        while self.full():
            await self._changed.wait()
        self.put_nowait(item)

    async def get(self):
        while self._count == 0:
            await self._changed.wait()
        return self.get_nowait()


# A lock with a priority ceiling: the priority of the most urgent task that ever takes it.
#
# Tasks are cooperative, so a lock matters only where its holder awaits something while it holds
# it. From the moment it has the lock, the holder has the ceiling as its priority (immediate
# ceiling): once ready it is resumed before every task that might want the lock, and its
# inferences have that priority on the NPU. So a task waits for one holder of less priority at
# most, and tasks of middle priority cannot prolong that wait.
class Lock:
    def __init__(self, ceiling=0):
        self.ceiling = ceiling
        self.holder = None
        self._waiters = None
        self._chain = None

    def locked(self):
        return self.holder is not None

    # To be awaited at once.
    def acquire(self):
        task = core.current
        if task.base < self.ceiling:
            raise RuntimeError(
                "task %s has priority %d, above the lock's ceiling %d"
                % (task.name, task.base, self.ceiling)
            )
        if self.holder is task:
            raise RuntimeError("task %s has the lock already" % task.name)
        if self.take(task):
            return _wait
        return _wait.arm(self._waiters)

    # True if the task now has the lock; else it is for the caller to queue().
    def take(self, task):
        if self.holder is None:
            self._give(task)
            return True
        if self._waiters is None:
            self._waiters = core.TaskList(task.kernel.port)
        return False

    def queue(self, task):
        self._waiters.push(task)

    def _give(self, task):
        self.holder = task
        self._chain = task.held
        task.held = self
        task.raise_to(min(task.priority, self.ceiling))

    def release(self):
        if self.holder is not core.current:
            raise RuntimeError("the lock is not held by this task")
        self.let_go()

    # Hands the lock to the most urgent of those that wait.
    def let_go(self):
        task = self.holder
        self.holder = None
        if task.held is self:
            task.held = self._chain
        else:
            lock = task.held
            while lock._chain is not self:
                lock = lock._chain
            lock._chain = self._chain
        priority = task.base
        lock = task.held
        while lock is not None:
            priority = min(priority, lock.ceiling)
            lock = lock._chain
        task.raise_to(priority)
        if self._waiters is not None:
            task = self._waiters.pop()
            if task is not None:
                self._give(task)
                task.make_ready()

    def __aenter__(self):
        return self.acquire()

    def __aexit__(self, *_):
        self.release()
        return _wait
