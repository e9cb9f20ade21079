# SPDX-License-Identifier: Apache-2.0
# A board that is not there, for tests: virtual time, an NPU that does nothing but take its time,
# and an application made up on the spot. Runs on CPython with the shims and on MicroPython.
import struct

import uctypes
from micropython import const

import hocket._layout as layout  # "from . import" would ask the lazy loader

from .ethosu import peek, poke

_MASK = const(0x3FFFFFFF)  # as port._MASK
_HALF = const(0x20000000)  # as port._HALF

_CONFIG = const(0x1807)
_ID = const(0x10066001)

_STATUS = const(0x4)  # as ethosu._STATUS
_CMD = const(0x8)  # as ethosu._CMD
_RESET = const(0xC)  # as ethosu._RESET
_QBASE = const(0x10)
_QREAD = const(0x18)  # as ethosu._QREAD
_QSIZE = const(0x20)
_PMCCNTR = const(0x1A0)  # as ethosu._PMCCNTR_LO

_END = const(0x22)  # interrupt and end of the stream
_UNTOUCHED = const(0x5A5A)

_STREAM = const(16)  # bytes of each pretended stream
_NEVER = const(0x3FFFFFFFFFFF)

_WORK = const(255)  # code of the operator that only takes its time
_STEPS = const(64)  # of an application with such operators, at most
_PROGRAMS = const(1024)  # where programs begin
_PROGRAM = const(64)  # bytes of one


# Memory with an address, aligned to 16 bytes.
class Block:
    def __init__(self, size):
        self.buffer = bytearray(size + 16)
        self.address = (uctypes.addressof(self.buffer) + 15) & ~15


class _Info:
    pass


# An operator whose CPU steps take so many us each. It adds one to the net's first output.
class Work:
    def __init__(self, steps_us, runs_on=False):
        self.steps_us = steps_us
        self.runs_on = runs_on
        self.at = 0
        self.resets = 0
        self.port = None  # that of the application's board
        self.total = 0
        for us in steps_us:
            self.total += us

    def step(self):
        if self.at == 0:
            self.output[0] = self.input[0] + 1
        self.port.advance(self.steps_us[self.at])
        self.at += 1
        if self.at < len(self.steps_us):
            return False
        self.at = 0
        return True

    def reset(self):
        self.at = 0
        self.resets += 1


# An application without a container; segments are given by their cycles alone, operators by Work.
class FakeApp:
    def __init__(self, policy="fp", npu_hz=1000000):
        self.address = 0x1000
        self.buffer = b""
        self.policy = policy
        self.npu_config = _CONFIG
        self.npu_id = _ID
        self.npu_hz = npu_hz
        self.arena_size = 0
        self.nets = []
        self.tasks = []
        self.cycles = []
        self._block = None  # where the programs are

    # A net with a 4-byte int8 input and a 4-byte int8 output.
    def add_net(self, name, cycles, shared_arena=False, persistent=()):
        net = _Info()
        net.name = name
        net.regions = [(layout.REGION_KIND_UNUSED, 0, 0)] * layout.REGION_SLOTS
        net.regions[1] = (layout.REGION_KIND_ARENA, self.arena_size, 32)
        net.inputs = [_tensor("in", 0)]
        net.outputs = [_tensor("out", 16)]
        net.persistent = persistent
        net.first_step = len(self.cycles)
        for step in cycles:
            if isinstance(step, Work):
                self._add_program(net.first_step + cycles.index(step), step.runs_on)
        net.steps = len(cycles)
        net.arena_offset = self.arena_size
        net.arena_size = 32
        net.shared_arena = shared_arena
        self.arena_size += 32
        self.cycles += cycles
        self.nets.append(net)

    # A net and its task. Times in microseconds, as the cycles are at 1 MHz.
    def add(
        self, name, cycles, period_us, priority=0, deadline_us=None, offset_us=0, overrun=0,
        cpu_us=0, shared_arena=False, period_ns=0,
    ):  # fmt: skip
        self.add_net(name, cycles, shared_arena)
        task = _Info()
        task.name = name
        task.net = len(self.nets) - 1
        task.period_ns = period_us * 1000 + period_ns
        task.deadline_ns = task.period_ns if deadline_us is None else deadline_us * 1000
        task.offset_ns = offset_us * 1000
        task.priority = priority
        task.overrun = overrun
        task.cpu_ns = cpu_us * 1000
        self.tasks.append(task)
        return self

    # As in a container, so that the application has an address from now on.
    def _add_program(self, i, runs_on):
        from .ops import register

        if self._block is None:
            self._block = Block(_PROGRAMS + _STEPS * _PROGRAM)
            self.address = self._block.address
            self.buffer = memoryview(uctypes.bytearray_at(self.address, len(self._block.buffer)))
        register(_WORK, self._operator)
        at = self.step_offset(i, True)
        struct.pack_into(
            layout.FORMAT_CPU_PROGRAM, self.buffer, at,
            _WORK, int(runs_on), 1, 1, bytes(3), 0, 1, 0, 0, 0, 4,
        )  # fmt: skip
        for offset in (0, 16):
            at += layout.SIZEOF_OPERAND if offset else layout.SIZEOF_CPU_PROGRAM
            struct.pack_into(layout.FORMAT_OPERAND, self.buffer, at, 1, offset, 4)
        struct.pack_into("<L", self.buffer, at + layout.SIZEOF_OPERAND, i)

    def _operator(self, params, inputs, outputs, scratch):
        work = self.cycles[params[0]]
        work.input = inputs[0].raw
        work.output = outputs[0].raw
        return work

    def step_offset(self, i, is_cpu=None):
        if is_cpu or (is_cpu is None and self.step_is_cpu(i)):
            return _PROGRAMS + i * _PROGRAM
        return i * _STREAM

    def step_size(self, i):
        return _STREAM

    def step_cycles(self, i):
        step = self.cycles[i]
        return step.total if isinstance(step, Work) else step

    step_worst_cycles = step_cycles

    def step_is_cpu(self, i):
        return isinstance(self.cycles[i], Work)

    def step_name(self, i):
        return "step %d" % i


def _tensor(name, offset):
    info = _Info()
    info.name = name
    info.shape = (4,)
    info.dtype = "int8"
    info.typecode = "b"
    info.scale = 1.0
    info.zero_point = 0
    info.region = 1
    info.offset = offset
    info.size = 4
    return info


# A port for an application. Time moves only in here: while the CPU idles, and by charges.
class FakePort:
    def __init__(self, app, start_us=0, dispatch_us=0, resume_us=0, release_us=0, interrupts=True):
        self.now = start_us
        self.npu_protection = 1
        self._app = app
        self._registers = Block(0x1000)
        self._arena = Block(max(app.arena_size, 1))
        self.npu_base = self._registers.address
        self.arena_base = self._arena.address
        self.arena_size = app.arena_size
        self._dispatch_us = dispatch_us
        self._resume_us = resume_us
        self._release_us = release_us
        self.charge_dispatch = self._dispatch if dispatch_us else None
        self.charge_resume = self._resume if resume_us else None
        self.charge_release = self._release if release_us else None
        self.charge_body = self._body
        self.charge_step = None  # Work lets time pass itself
        for step in app.cycles:
            if isinstance(step, Work):
                step.port = self
        self._has_irq = interrupts
        self._handler = None
        self._enabled = True
        self._pending = False
        self._serving = False
        self._step = 0
        self._began = 0
        self._end = _NEVER
        self._faults = {}
        self._hangs = {}
        self.idled = 0  # times that the CPU had nothing to do
        base = self.npu_base
        poke(base, 0, _ID)
        poke(base, 0x28, _CONFIG)
        poke(base, _RESET, _UNTOUCHED)

    # The next run of a step, by its place in the application, ends with these bits in STATUS.
    def fault(self, step, bits):
        self._faults[step] = bits

    # The next run of a step never ends.
    def hang(self, step):
        self._hangs[step] = True

    def ticks_us(self):
        self._look()
        return self.now & _MASK

    def disable_irq(self):
        self._look()
        state = self._enabled
        self._enabled = False
        return state

    def enable_irq(self, state):
        self._look()
        self._enabled = state
        self._serve()

    npu_dispatcher = None
    agenda = None
    hold_irq = disable_irq
    let_irq = enable_irq

    def npu_irq(self, handler):
        self._handler = handler
        return self._has_irq

    def view(self, address, size):
        return memoryview(uctypes.bytearray_at(address, size))

    # The CPU computes for so long; what an interrupt takes comes on top.
    def advance(self, us):
        end = self.now + us
        self._look()
        while self._end <= end:
            self.now = max(self.now, self._end)
            self._finish()
            began = self.now
            self._serve()
            end += self.now - began
            self._look()
        self.now = end
        self._look()

    def idle(self, until):
        self._look()
        self.idled += 1
        if self._pending:
            return
        end = _NEVER
        if until is not None:
            ahead = (until - self.now) & _MASK
            end = self.now + (ahead if ahead < _HALF else 0)
        if self._end <= end:
            if self._end == _NEVER:
                raise RuntimeError("nothing will ever happen")
            self.now = self._end
            self._finish()
        else:
            self.now = end
            self._look()

    def _dispatch(self):
        self.advance(self._dispatch_us)

    def _resume(self):
        self.advance(self._resume_us)

    def _release(self, task):
        self.advance(self._release_us)

    def _body(self, ns):
        self.advance(ns // 1000)

    def _serve(self):
        if self._pending and self._enabled and self._has_irq and not self._serving:
            self._pending = False
            self._serving = True
            self._handler(0)
            self._serving = False
            self._look()

    # The registers are plain memory, so what was written there is looked up before time moves.
    def _look(self):
        base = self.npu_base
        if peek(base, _RESET) != _UNTOUCHED:
            poke(base, _RESET, _UNTOUCHED)
            poke(base, _STATUS, 0)
            self._end = _NEVER
            self._pending = False
        cmd = peek(base, _CMD)
        if cmd & 2:
            poke(base, _STATUS, peek(base, _STATUS) & ~2)
            self._pending = False
        if cmd & 1:
            step = ((peek(base, _QBASE) - self._app.address) & 0xFFFFFFFF) // _STREAM
            self._step = step
            self._began = self.now
            self._end = _NEVER if step in self._hangs else self.now + self._app.cycles[step]
            if step in self._hangs:
                del self._hangs[step]
            poke(base, _STATUS, 1)
            self._pending = False
        poke(base, _CMD, 0xC)
        if self._end != _NEVER:
            done = (self.now - self._began) * _STREAM // max(self._app.cycles[self._step], 1)
            poke(base, _QREAD, min(done, _STREAM))
        elif cmd & 1:
            poke(base, _QREAD, 0)

    def _finish(self):
        base = self.npu_base
        status = _END
        if self._step in self._faults:
            status = self._faults.pop(self._step) | 2
        poke(base, _STATUS, status)
        poke(base, _QREAD, _STREAM)
        poke(base, _PMCCNTR, (peek(base, _PMCCNTR) + self.now - self._began) & 0xFFFFFFFF)
        self._end = _NEVER
        self._pending = True
