# SPDX-License-Identifier: Apache-2.0
# A task of the container: when its jobs are released and what becomes of each.
from micropython import const

from . import task as core
from . import trace
from .dispatch import SlotStats
from .net import NpuError
from .port import ticks_add, ticks_diff
from .stats import Stats

SKIP = const(0)
QUEUE = const(1)
ABORT = const(2)

# Jobs that may wait behind an unfinished one; more are skipped.
_BACKLOG = const(8)

# Distances in time must stay below half the circle of ticks, with room for a job that is late.
_LIMIT_US = 0x10000000

_ARGUMENT_LIMIT = const(0xFFFF)
_ABORTED = const(1)


# An instant that moves by whole periods. What a period has beyond microseconds is summed, so a
# million periods end where they should.
class Instant:
    __slots__ = ("_ns", "_period_ns", "_period_us", "tick")

    def __init__(self, period_ns, offset_ns=0):
        self._period_us = period_ns // 1000
        self._period_ns = period_ns % 1000
        self.tick = offset_ns // 1000
        self._ns = offset_ns % 1000

    def advance(self):
        us = self._period_us
        ns = self._ns + self._period_ns
        if ns >= 1000:
            ns -= 1000
            us += 1
        self._ns = ns
        self.tick = ticks_add(self.tick, us)


class Periodic:
    def __init__(self, kernel, info, net, index, arena):
        if not 1000 <= info.period_ns < _LIMIT_US * 1000:
            raise ValueError("task %s: period of %d ns" % (info.name, info.period_ns))
        if info.deadline_ns >= _LIMIT_US * 1000 or info.offset_ns >= _LIMIT_US * 1000:
            raise ValueError("task %s: deadline or offset above 268 s" % info.name)
        self.name = info.name
        self.net = net
        self.body = None
        self.overrun = info.overrun
        self.cpu_ns = info.cpu_ns
        self.period_ns = info.period_ns
        self.offset_ns = info.offset_ns
        self.deadline_us = info.deadline_ns // 1000
        self.released = 0  # ticks of the job under way
        self.deadline = 0
        self.active = False
        self.started = False  # the coroutine was resumed
        self.stats = Stats(SlotStats(kernel.dispatcher, net.slot))
        self.task = core.Task(kernel, info.name, None, info.priority)
        self.task.periodic = self
        self.task.trace_id = index
        net.periodic = self
        self._kernel = kernel
        self._arena = arena  # a Lock if the net shares its arena
        self._missed = False
        self._next = None
        self._backlog = None  # made when the first job has to wait
        self._first = 0
        self._waiting = 0
        self._timer = core.Timer(_release, self)

    # Counts periods from a tick on.
    def begin(self, now):
        self._next = Instant(self.period_ns, self.offset_ns)
        self._next.tick = ticks_add(self._next.tick, now)
        self._kernel.timers.add(self._timer, self._next.tick)

    # Makes the coroutine of the next job, between jobs rather than at a release because a
    # coroutine is allocated. Without a body it is the inference itself, which is not.
    def prepare(self):
        if self.body is None:
            self.task.coro = self.net.inference.arm()
        else:
            coro = self.body(self.net)
            if not hasattr(coro, "send"):
                raise TypeError("body of task %s must be an async def" % self.name)
            self.task.coro = coro
        self.started = False

    # Drops a coroutine that nothing was done with yet.
    def discard(self):
        if self.task.coro is not None and not self.started:
            self.task.coro.close()
            self.task.coro = None

    def release(self, now):
        charge = self._kernel.port.charge_release
        if charge is not None:
            charge(self.task.trace_id)
        due = self._next.tick
        late = ticks_diff(now, due)
        self._kernel.record(now, trace.RELEASE, self.task.trace_id, min(late, _ARGUMENT_LIMIT))
        self._next.advance()
        self._kernel.timers.add(self._timer, self._next.tick)
        if not self.active:
            self._start(due)
            return
        late = ticks_diff(now, self.deadline)
        if late >= 0:
            self._miss(now, late)
        if self.overrun == ABORT:
            self._abort(now)
            self._start(due)
        elif self.overrun == QUEUE and self._waiting < _BACKLOG:
            if self._backlog is None:
                self._backlog = [0] * _BACKLOG
            self._backlog[(self._first + self._waiting) % _BACKLOG] = due
            self._waiting += 1
        else:
            self.stats.skipped += 1
            self._kernel.record(now, trace.SKIP, self.task.trace_id, 0)

    def _start(self, due):
        task = self.task
        self.active = True
        self._missed = False
        self.released = due
        self.deadline = ticks_add(due, self.deadline_us)
        self.stats.jobs += 1
        arena = self._arena
        if arena is not None and arena.holder is not task and not arena.take(task):
            arena.queue(task)
        elif not self._kernel.dispatcher.idle(self.net.slot):
            self.net.inference.drain(task)
        else:
            self._kernel.ready.push(task)

    # The body came to its end.
    def complete(self):
        charge = self._kernel.port.charge_body
        if charge is not None:
            charge(self.cpu_ns)
        now = self._kernel.port.ticks_us()
        response = ticks_diff(now, self.released)
        self.stats.response(response)
        self._kernel.record(now, trace.COMPLETE, self.task.trace_id, 0)
        if response > self.deadline_us:
            self._miss(now, response - self.deadline_us)
        self._end()

    # The body raised an error.
    def fail(self, error):
        if isinstance(error, NpuError):
            self.stats.faults += 1
        self._end()

    def _end(self):
        self._give_back()
        self.active = False
        self.collect()
        self.prepare()
        if self._waiting:
            due = self._backlog[self._first]
            self._first = (self._first + 1) % _BACKLOG
            self._waiting -= 1
            self._start(due)

    # Looks at what the NPU finished. A shared arena is kept until the NPU is out of it.
    def collect(self):
        self.net.inference.collect()
        arena = self._arena
        if (
            arena is not None
            and not self.active
            and arena.holder is self.task
            and self._kernel.dispatcher.idle(self.net.slot)
        ):
            arena.let_go()

    # Once a job, when it ends late or is still there at a later release.
    def _miss(self, now, late):
        if self._missed:
            return
        self._missed = True
        self.stats.misses += 1
        self._kernel.record(now, trace.MISS, self.task.trace_id, min(late, _ARGUMENT_LIMIT))
        hook = self._kernel.on_miss
        if hook is not None:
            hook(self.name, late)

    def _abort(self, now):
        self.stats.aborted += 1
        self._kernel.record(now, trace.SKIP, self.task.trace_id, _ABORTED)
        self.task.detach()
        core.current = self.task  # it may give back locks on its way out
        self.task.coro.close()
        core.current = None
        # The NPU may have finished the job already, with nobody left to take note.
        dispatcher = self._kernel.dispatcher
        if dispatcher.ended(self.net.slot):
            dispatcher.take(self.net.slot)
        self._give_back()
        self.prepare()

    # Locks that the body left behind, all but that of the arena.
    def _give_back(self):
        lock = self.task.held
        while lock is not None:
            chained = lock._chain
            if lock is not self._arena:
                lock.let_go()
            lock = chained


def _release(periodic, now):
    periodic.release(now)


# The locks of nets that share an arena: one for all of them, held for whole jobs, with the
# priority of the most urgent as its ceiling. None where a net has its arena to itself.
def shared_arenas(app):
    sharing = [task.priority for task in app.tasks if app.nets[task.net].shared_arena]
    lock = None
    if sharing:
        from .sync import Lock  # here, because most applications can do without

        lock = Lock(min(sharing))
    return [lock if net.shared_arena else None for net in app.nets]
