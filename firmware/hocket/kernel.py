# SPDX-License-Identifier: Apache-2.0
# The cooperative kernel: releases the tasks of a container, resumes who is ready, most urgent
# first, and sleeps otherwise. The NPU needs none of it between the segments of a job.
from micropython import const

from . import policy as policies
from . import task as core
from .agenda import Agenda
from .dispatch import Dispatcher
from .ethosu import EthosU
from .net import NpuError
from .nets import make as make_net
from .periodic import Periodic, shared_arenas
from .port import Port, ticks_add
from .trace import Trace

# What a step of the agenda asks for.
_IDLE = const(-1)  # as agenda._IDLE
_WATCH = const(-2)  # as agenda._WATCH
_COLLECT = const(-3)  # as agenda._COLLECT
_RELEASE = const(-4)  # as agenda._RELEASE

# Names of nets without a task, in the trace.
_NO_TASK = const(0x80)

_MASK = const(0x3FFFFFFF)  # as port._MASK
_HALF = const(0x20000000)  # as port._HALF
_SPAN_US = const(0x10000000)  # as port._SPAN_US


class Kernel:
    # policy: fifo, fp, edf or rr, or an object as in policy.py; the container's own without.
    # watchdog: has feed(), called in every turn of the loop, such as machine.WDT.
    def __init__(self, app, policy=None, port=None, trace=None, watchdog=None):
        self.app = app
        self.port = port = Port() if port is None else port
        self.trace = Trace() if trace is None else trace
        self.watchdog = watchdog
        self.on_miss = None  # called with the task's name and how many us late
        self.on_error = None  # called with name and error of a body; else run() raises it
        self.timers = core.TimerList()
        self._check(app, port)
        self.npu = EthosU(port.npu_base, port.npu_protection)
        self.npu.probe(app.npu_config, app.npu_id)
        if not self.npu.reset():
            raise OSError(5, "the NPU does not come out of reset")
        self.policy = policies.make(app.policy if policy is None else policy)
        ids = [_NO_TASK | slot for slot in range(len(app.nets))]
        for index in range(len(app.tasks)):
            ids[app.tasks[index].net] = index
        self.dispatcher = Dispatcher(app, self.policy, port, self.npu, self.trace.ring, ids)
        polled = not port.npu_irq(self.dispatcher.interrupt)
        self.agenda = Agenda(len(app.tasks), port, self.dispatcher, polled)
        self._nets = [make_net(app, slot, port, self.dispatcher) for slot in range(len(ids))]
        arenas = shared_arenas(app)
        self.tasks = [
            Periodic(self, task, self._nets[task.net], index, arenas[task.net])
            for index, task in enumerate(app.tasks)
        ]
        self._by_index = [task.task for task in self.tasks]
        self._begun = False
        self._running = False
        self._live = 0  # spawned tasks that have not ended
        self._left_us = 0
        self._stop = core.Timer(_wait_for_end, self)

    def _check(self, app, port):
        if app.arena_size > port.arena_size:
            raise ValueError(
                "arena of %d bytes, this board has %d" % (app.arena_size, port.arena_size)
            )
        if app.address & 15 or port.arena_base & 15:
            raise ValueError(
                "container at 0x%x and arena at 0x%x must be aligned to 16 bytes"
                % (app.address, port.arena_base)
            )
        users = {}
        for task in app.tasks:
            if task.net in users:
                raise ValueError(
                    "tasks %s and %s use one net: give each its own instance"
                    % (users[task.net], task.name)
                )
            users[task.net] = task.name
        for slot in range(len(app.nets)):
            if app.nets[slot].shared_arena and slot not in users:
                raise ValueError("net %s shares an arena without a task" % app.nets[slot].name)

    # Decorator: async def f(net) is the body of a task of the container, one call a job.
    def every(self, name):
        task = self._task(name)

        def register(body):
            task.discard()
            task.body = body
            return body

        return register

    # A coroutine without a period.
    def spawn(self, coro, priority=core.LEAST_URGENT, name="spawned"):
        rows = self._by_index
        index = len(self.tasks)
        while index < len(rows) and rows[index] is not None:
            index += 1
        if index == len(rows):
            self.agenda.add()
            rows.append(None)
        rows[index] = task = core.Task(self, name, coro, priority, index)
        self._live += 1
        self.agenda.push(task)
        return task

    # A net by its name, for spawned tasks to use.
    def net(self, name):
        for net in self._nets:
            if net.name == name:
                return net
        raise KeyError(name)

    def stats(self, name):
        return self._task(name).stats

    # The statistics of all tasks as text.
    def report(self):
        return "".join(self.cells())

    # The same cell by cell, for those who must not hold the CPU for long.
    def cells(self):
        from .stats import cells  # here, because the kernel can do without

        return cells([(task.name, task.stats) for task in self.tasks])

    def _task(self, name):
        for task in self.tasks:
            if task.name == name:
                return task
        raise ValueError(
            "no task %s, the container has %s" % (name, ", ".join([t.name for t in self.tasks]))
        )

    # Runs for a time, whose end it leaves out, or until stop(), or until there is nothing that
    # could still happen. Periods begin with the first run and go on in the next.
    def run(self, until_us=None):
        now = self.port.ticks_us()
        for task in self.tasks:
            if task.task.coro is None:
                task.prepare()
            if not self._begun:
                task.begin(now)
        self._begun = True
        self._running = True
        if until_us is not None:
            self._left_us = until_us
            _wait_for_end(self, now)
        try:
            self._loop()
        finally:
            core.current = None
            self.timers.remove(self._stop)
            for task in self.tasks:
                task.discard()

    # Makes run() return after the present turn.
    def stop(self):
        self._running = False

    # Stops the NPU and lets go of it. The kernel is not to be run any more.
    def close(self):
        self.port.npu_irq(None)
        self.dispatcher.close()

    # Turns of the loop until run() is to end, or so many. What each of them looks at is looked up
    # once, as that would take most of the time.
    def _loop(self, turns=-1):
        ticks_us = self.port.ticks_us
        feed = None if self.watchdog is None else self.watchdog.feed
        step = self.agenda.step
        tasks = self._by_index
        alone = not self.tasks
        timers = self.timers
        while turns and self._running:
            turns -= 1
            if feed is not None:
                feed()
            until = None
            timer = timers.head
            if timer is not None:
                until = timer.tick
                now = ticks_us()
                if (now - until) & _MASK < _HALF:
                    timers.remove(timer)
                    timer.fire(timer.owner, now)
                    continue
            if alone and not self._live:
                return
            index = step(until)
            if index < 0:
                if index != _IDLE:
                    self._attend(index)
                continue
            task = tasks[index]
            core.current = task
            task.place = None
            task.started = True
            try:
                error = task.error
                if error is None:
                    over = task.coro.send(None)
                else:
                    task.error = None
                    over = task.coro.throw(error)
            except StopIteration:
                over = True
            except Exception as error:
                self._failed(task, error)
                continue
            if over:
                if task.periodic is None:
                    self._forget(task)
                else:
                    task.periodic.complete()
            # One that waits for nothing has only let others go first.
            elif task.place is None and (task.timer is None or not task.timer.armed):
                self.agenda.push(task)

    def _forget(self, task):
        self._live -= 1
        self._by_index[task.index] = None

    # Does what a step of the agenda asks for.
    def _attend(self, what):
        if what == _WATCH:
            self.dispatcher.watch(self.port.ticks_us())
        elif what == _COLLECT:
            for task in self.tasks:
                task.collect()
        else:
            self.tasks[_RELEASE - what].release()

    # An NPU's failure is the job's own affair and counted; any other error is the program's.
    def _failed(self, task, error):
        task.detach()
        if task.periodic is None:
            self._forget(task)
            counted = False
        else:
            task.periodic.complete(error)
            counted = isinstance(error, NpuError)
        if self.on_error is not None:
            self.on_error(task.name, error)
        elif not counted:
            raise error

    # Writes a record of the trace.
    def record(self, tick, kind, id, argument):
        self.dispatcher.record(tick, kind, id << 16 | argument)


# run()'s end may be farther away than the longest span of a timer.
def _wait_for_end(kernel, now):
    left = kernel._left_us
    if left <= 0:
        kernel._running = False
        return
    span = min(left, _SPAN_US)
    kernel._left_us = left - span
    kernel.timers.add(kernel._stop, ticks_add(now, span), True)
