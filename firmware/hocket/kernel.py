# SPDX-License-Identifier: Apache-2.0
# The cooperative kernel: releases the tasks of a container, resumes who is ready, most urgent
# first, and sleeps otherwise. The NPU needs none of it between the segments of a job.
from . import policy as policies
from . import task as core
from .dispatch import Dispatcher
from .ethosu import EthosU
from .net import make as make_net
from .periodic import Periodic, shared_arenas
from .port import Port, ticks_add, ticks_diff
from .stats import table
from .trace import RESUME, Trace

# The longest single wait for the end of run().
_LEG_US = 0x10000000

# Names of nets without a task, in the trace.
_NO_TASK = 0x80


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
        self.ready = core.TaskList(port)
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
        self._nets = [make_net(app, slot, port, self.dispatcher) for slot in range(len(ids))]
        arenas = shared_arenas(app)
        self.tasks = [
            Periodic(self, task, self._nets[task.net], index, arenas[task.net])
            for index, task in enumerate(app.tasks)
        ]
        self._begun = False
        self._running = False
        self._live = 0  # spawned tasks that have not ended
        self._left_us = 0
        self._stop = core.Timer(_leg, self)
        self._polled = not port.npu_irq(self.dispatcher.interrupt)

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
        task = core.Task(self, name, coro, priority)
        self._live += 1
        self.ready.push(task)
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
        return table([(task.name, task.stats) for task in self.tasks])

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
            _leg(self, now)
        try:
            while self._running:
                self._turn()
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

    def _turn(self):
        now = self.port.ticks_us()
        if self.watchdog is not None:
            self.watchdog.feed()
        timers = self.timers
        timer = timers.due(now)
        while timer is not None:
            timer.fire(timer.owner, now)
            if not self._running:
                return
            timer = timers.due(now)
        dispatcher = self.dispatcher
        if dispatcher.busy:
            if self._polled:
                dispatcher.interrupt(None)
            dispatcher.watch(now)
        if dispatcher.take_finished():
            for net in self._nets:
                if net.periodic is None:
                    net.inference.collect()
                else:
                    net.periodic.collect()
        task = self.ready.pop()
        if task is not None:
            self._resume(task)
        elif self.tasks or self._live:
            self._idle()
        else:
            self._running = False

    def _resume(self, task):
        port = self.port
        if port.charge_resume is not None:
            port.charge_resume()
        self.record(port.ticks_us(), RESUME, task.trace_id, 0)
        periodic = task.periodic
        if periodic is not None:
            periodic.started = True
        core.current = task
        try:
            error = task.error
            if error is None:
                task.coro.send(None)
            else:
                task.error = None
                task.coro.throw(error)
        except StopIteration:
            core.current = None
            if periodic is None:
                self._live -= 1
            else:
                periodic.complete()
            return
        except Exception as error:
            core.current = None
            self._failed(task, error)
            return
        core.current = None
        # One that waits for nothing has only let others go first.
        if task.place is None and not task.timer.armed:
            self.ready.push(task)

    # An NPU's failure is the job's own affair and counted; any other error is the program's.
    def _failed(self, task, error):
        task.detach()
        if task.periodic is None:
            self._live -= 1
            counted = False
        else:
            faults = task.periodic.stats.faults
            task.periodic.fail(error)
            counted = task.periodic.stats.faults != faults
        if self.on_error is not None:
            self.on_error(task.name, error)
        elif not counted:
            raise error

    # Interrupts are held from the look for work to the wait, or the one that brings it could come
    # between the two and be slept over.
    def _idle(self):
        port = self.port
        dispatcher = self.dispatcher
        irq = port.hold_irq()
        if self.ready.head is None and not dispatcher.finished:
            until = None if self.timers.head is None else self.timers.head.tick
            busy = dispatcher.busy
            if busy:
                check = dispatcher.check
                if until is None or ticks_diff(check, until) < 0:
                    until = check
            if not (busy and self._polled):
                dispatcher.sleep(until)
        port.let_irq(irq)

    # Writes a record of the trace.
    def record(self, tick, kind, id, argument):
        self.dispatcher.record(tick, kind, id << 16 | argument)


# run()'s end may be farther away than a timer reaches.
def _leg(kernel, now):
    left = kernel._left_us
    if left <= 0:
        kernel._running = False
        return
    leg = min(left, _LEG_US)
    kernel._left_us = left - leg
    kernel.timers.add(kernel._stop, ticks_add(now, leg), True)
