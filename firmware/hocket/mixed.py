# SPDX-License-Identifier: Apache-2.0
# Nets with operators on the CPU: an inference goes from stage to stage, each of them a row of NPU
# segments or one operator. An operator does its work in CPU steps, between which more urgent tasks
# go first; other nets have the NPU meanwhile.
from micropython import const

from . import ethosu
from . import task as core
from .net import Inference, Net, NpuError
from .ops import make
from .port import region_address, ticks_add, ticks_diff
from .programs import read

_EIO = const(5)  # as net._EIO
_CPU_START = const(9)  # as trace.CPU_START
_CPU_END = const(10)  # as trace.CPU_END
_SPAN_US = const(0x10000000)  # as port._SPAN_US
_MILLION = const(1000000)  # as agenda._MILLION


class MixedNet(Net):
    def __init__(self, info, slot, app, port, dispatcher):
        Net.__init__(self, info, slot, app, port, dispatcher)
        self.inference = MixedInference(self, dispatcher, port, _stages(info, app, port))
        self._base = info.first_step

    def infer(self, data=None):
        if self.inference.working:
            raise RuntimeError("net %s is under way" % self.name)
        return Net.infer(self, data)

    # CPU time of its operators so far, interrupts included.
    @property
    def cpu_us(self):
        return self.inference.cpu_s * _MILLION + self.inference.cpu_us


# Steps first to last of a net: the NPU's, or one operator.
class _Stage:
    def __init__(self, first, operator, runs_on):
        self.first = first
        self.last = first
        self.operator = operator
        self.runs_on = runs_on


# What an operator works on.
class _Memory:
    def __init__(self, raw):
        self.raw = raw


def _stages(net, app, port):
    stages = []
    for index in range(net.steps):
        step = net.first_step + index
        if app.step_is_cpu(step):
            program = read(app.buffer, app.step_offset(step))
            stages.append(_Stage(index, _operator(program, net, app, port, step), program.runs_on))
        elif stages and stages[-1].operator is None:
            stages[-1].last = index
        else:
            stages.append(_Stage(index, None, False))
    return stages


def _operator(program, net, app, port, step):
    params = port.view(app.address + program.params, program.params_size)
    inputs = [_memory(place, net, app, port) for place in program.inputs]
    outputs = [_memory(place, net, app, port) for place in program.outputs]
    scratch = _memory(program.scratch, net, app, port)
    try:
        return make(program.code, params, inputs, outputs, scratch.raw)
    except (ImportError, ValueError) as error:
        raise ValueError(
            "net %s, step %s: operator %d: %s; update the firmware, or register your own operator "
            "with hocket.ops.register before the kernel is made"
            % (net.name, app.step_name(step), program.code, error)
        ) from None


def _memory(place, net, app, port):
    region, offset, size = place
    base = region_address(net.regions[region], app, port.arena_base)
    return _Memory(port.view(base + offset, size))


class MixedInference(Inference):
    def __init__(self, net, dispatcher, port, stages):
        Inference.__init__(self, net, dispatcher, port)
        self.working = False
        self.cpu_s = 0  # and cpu_us, because a long sum leaves the small integers
        self.cpu_us = 0
        self._stages = stages
        self._at = 0  # which is under way
        self._ready = None  # list of tasks that one stands in between CPU steps

    def __next__(self):
        if self._armed:
            self._armed = False
            self.working = True
            self._at = 0
        elif self._stages[self._at].operator is None:
            status = self._dispatcher.take(self._net.slot)
            if status:
                self._give_up()
                raise NpuError(_EIO, "net %s: %s" % (self._net.name, ethosu.reason(status)))
            self._at += 1
        stages = self._stages
        while self._at < len(stages):
            stage = stages[self._at]
            if stage.operator is None:
                self._submit(stage)
                return
            if not self._work(stage):
                self._let_go_first()
                return
            self._at += 1
            if self._at < len(stages) and stages[self._at].operator is not None:
                if not stage.runs_on:
                    self._let_go_first()
                    return
        self.working = False
        self._end.__traceback__ = None
        raise self._end

    def send(self, _):
        return self.__next__()

    def throw(self, error, value=None, traceback=None):
        self._give_up()
        raise error

    def close(self):
        self._give_up()
        self._armed = False

    def is_over(self):
        return not (self.working and self._stages[self._at].operator)

    # The task no longer waits, be it for the NPU or for the others that go first.
    def remove(self, task):
        if self.working and self._stages[self._at].operator is not None:
            self._ready.remove(task)
        else:
            Inference.remove(self, task)
        self._give_up()

    def _give_up(self):
        if self.working:
            self.working = False
            operator = self._stages[self._at].operator
            if operator is not None:
                operator.reset()

    def _submit(self, stage):
        net = self._net
        task = core.current
        periodic = net.periodic
        if periodic is None:
            deadline = ticks_add(self._port.ticks_us(), _SPAN_US)
        else:
            deadline = periodic.deadline
        task.place = self
        self._dispatcher.part(net.slot, net._base, stage.first, stage.last)
        self._dispatcher.submit(net.slot, task.priority, deadline, task.index)

    # A CPU step of an operator; True if it was the last one.
    def _work(self, stage):
        port = self._port
        slot = self._net.slot
        begun = port.ticks_us()
        self._dispatcher.note(_CPU_START, slot, stage.first)
        try:
            done = stage.operator.step()
        except Exception:
            self._give_up()
            raise
        if port.charge_step is not None:
            port.charge_step(slot, stage.first, done)
        self._dispatcher.note(_CPU_END, slot, stage.first)
        us = self.cpu_us + ticks_diff(port.ticks_us(), begun)
        while us >= _MILLION:
            us -= _MILLION
            self.cpu_s += 1
        self.cpu_us = us
        return done

    # As ready as before, but behind those as urgent; and still to be told when a time limit ends.
    def _let_go_first(self):
        task = core.current
        task.make_ready()
        self._ready = task.place
        task.place = self
