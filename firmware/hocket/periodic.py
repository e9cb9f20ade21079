# SPDX-License-Identifier: Apache-2.0
# A task of the container: when its jobs are released and what becomes of each.
from micropython import const

from . import task as core
from . import trace
from .net import NpuError
from .port import ticks_diff

_QUEUE = const(1)  # as _layout.OVERRUN_QUEUE
_ABORT = const(2)  # as _layout.OVERRUN_ABORT

# Jobs that may wait behind an unfinished one; more are skipped.
_BACKLOG = const(8)

_SPAN_US = const(0x10000000)  # as port._SPAN_US

_ARGUMENT_LIMIT = const(0xFFFF)
_ABORTED = const(1)


class Periodic:
    def __init__(self, kernel, info, net, index, arena):
        if not 1000 <= info.period_ns < _SPAN_US * 1000:
            raise ValueError("task %s: period of %d ns" % (info.name, info.period_ns))
        if info.deadline_ns >= _SPAN_US * 1000 or info.offset_ns >= _SPAN_US * 1000:
            raise ValueError("task %s: deadline or offset above 268 s" % info.name)
        self.name = info.name
        self.net = net
        self.body = None
        self.overrun = info.overrun
        self.cpu_ns = info.cpu_ns
        self.period_ns = info.period_ns
        self.offset_ns = info.offset_ns
        self._agenda = kernel.agenda
        self.words = kernel.agenda.words
        self.deadline_at = kernel.agenda.deadline_at(index)
        self._agenda.set_up(index, net.slot, info.deadline_ns // 1000, arena is not None)
        self.task = core.Task(kernel, info.name, None, info.priority, index)
        self.task.periodic = self
        net.periodic = self
        self._kernel = kernel
        self._arena = arena  # a Lock if the net shares its arena
        self._backlog = None  # made when the first job has to wait
        self._first = 0
        self._waiting = 0

    # A view of the figures, which are elsewhere.
    @property
    def stats(self):
        from .stats import Stats  # here, because the kernel can do without

        return Stats(self._agenda, self.task.index, self._kernel.dispatcher, self.net.slot)

    # Ticks of the job under way, or of the last one.
    @property
    def released(self):
        return self._agenda.released(self.task.index)

    @property
    def deadline(self):
        return self.words[self.deadline_at]

    # Counts periods from a tick on.
    def begin(self, now):
        self._agenda.begin(self.task.index, now, self.offset_ns, self.period_ns)

    # Makes the coroutine of the next job, between jobs rather than at a release because a
    # coroutine is allocated. Without a body it is the inference itself, which is not.
    def prepare(self):
        task = self.task
        task.started = False
        if self.body is None:
            task.coro = self.net.inference.arm()
        else:
            coro = self.body(self.net)
            if not hasattr(coro, "send"):
                raise TypeError("body of task %s must be an async def" % self.name)
            task.coro = coro

    # Drops a coroutine that nothing was done with yet.
    def discard(self):
        if self.task.coro is not None and not self.task.started:
            self.task.coro.close()
            self.task.coro = None

    # What step() of the agenda leaves to be done, by a port that has it in C in rare cases only.
    def release(self):
        kernel = self._kernel
        charge = kernel.port.charge_release
        if charge is not None:
            charge(self.task.index)
        now = kernel.port.ticks_us()
        due = self._agenda.advance(self.task.index)
        late = min(ticks_diff(now, due), _ARGUMENT_LIMIT)
        kernel.record(now, trace.RELEASE, self.task.index, late)
        if self._agenda.is_active(self.task.index):
            self._overrun(now, due)
        else:
            self._begin(due)

    # A release at a tick finds the job before it unfinished.
    def _overrun(self, now, due):
        late = ticks_diff(now, self.deadline)
        if late >= 0:
            self._miss(now, late)
        if self.overrun == _ABORT:
            self._abort(now)
            self._begin(due)
        elif self.overrun == _QUEUE and self._waiting < _BACKLOG:
            if self._backlog is None:
                self._backlog = [0] * _BACKLOG
            self._backlog[(self._first + self._waiting) % _BACKLOG] = due
            self._waiting += 1
        else:
            self._agenda.count(self.task.index, "skipped")
            self._kernel.record(now, trace.SKIP, self.task.index, 0)

    def _begin(self, due):
        task = self.task
        self._agenda.begin_job(task.index, due)
        arena = self._arena
        if arena is not None and arena.holder is not task and not arena.take(task):
            arena.queue(task)
        elif not self._kernel.dispatcher.idle(self.net.slot):
            self.net.inference.drain(task)
        else:
            self._agenda.push(task)

    # The body came to its end, or raised an error.
    def complete(self, error=None):
        task = self.task
        if error is None:
            port = self._kernel.port
            if port.charge_body is not None:
                port.charge_body(self.cpu_ns)
            late = self._agenda.complete(task.index)
            if late > 0:
                self._miss(port.ticks_us(), late)
        else:
            if isinstance(error, NpuError):
                self._agenda.count(task.index, "faults")
            self._agenda.drop(task.index)
        if task.held is not None:
            self._give_back()
            self.collect()
        if self.body is None:
            task.started = False
            self.net.inference.arm()
        else:
            self.prepare()
        if self._waiting:
            due = self._backlog[self._first]
            self._first = (self._first + 1) % _BACKLOG
            self._waiting -= 1
            self._begin(due)

    # A shared arena is kept until the NPU is out of it.
    def collect(self):
        arena = self._arena
        if (
            arena is not None
            and arena.holder is self.task
            and not self._agenda.is_active(self.task.index)
            and self._kernel.dispatcher.idle(self.net.slot)
        ):
            arena.let_go()

    # Once a job, when it ends late or is still there at a later release.
    def _miss(self, now, late):
        if not self._agenda.miss(self.task.index):
            return
        self._agenda.count(self.task.index, "misses")
        self._kernel.record(now, trace.MISS, self.task.index, min(late, _ARGUMENT_LIMIT))
        hook = self._kernel.on_miss
        if hook is not None:
            hook(self.name, late)

    def _abort(self, now):
        self._agenda.count(self.task.index, "aborted")
        self._kernel.record(now, trace.SKIP, self.task.index, _ABORTED)
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


# The locks of nets that share an arena: one for all of them, held for whole jobs, with the
# priority of the most urgent as its ceiling. None where a net has its arena to itself.
def shared_arenas(app):
    sharing = [task.priority for task in app.tasks if app.nets[task.net].shared_arena]
    lock = None
    if sharing:
        from .sync import Lock  # here, because most applications can do without

        lock = Lock(min(sharing))
    return [lock if net.shared_arena else None for net in app.nets]
