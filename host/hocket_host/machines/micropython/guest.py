# SPDX-License-Identifier: Apache-2.0
# mypy: ignore-errors
"""Runs on MicroPython: its ``machine`` and ``utime`` by way of a pipe, and then the firmware.

Arguments: the pipes to read and to write, the folders to import from, how long to run in us,
the policy or nothing, the period of ticks, and the costs in ns of a dispatch, a release, a resume
and a completion.
"""

import builtins
import struct
import sys

_READ, _WRITE, _NOW, _ADVANCE, _IDLE, _HOOK, _DISABLE, _ENABLE = range(8)
_SERVED, _FRAME, _OUTPUT, _REPORT, _STEP = range(8, 13)
_INTERRUPT = 1

_WORD = 1 << 32


class Link:
    """The pipes."""

    def __init__(self, reading, writing):
        self._in = open(reading, "rb")  # noqa: SIM115
        self._out = open(writing, "wb")  # noqa: SIM115
        self._answer = bytearray(8)
        self.handlers = {}

    def exactly(self, data):
        view = memoryview(data)
        at = 0
        while at < len(data):
            got = self._in.readinto(view[at:])
            if not got:
                sys.exit("the emulation is gone")
            at += got
        return data

    def ask(self, operation, a=0, b=0, data=b""):
        self._out.write(struct.pack("<BBHIqq", operation, 0, 0, len(data), a, b))
        if data:
            self._out.write(data)
        while True:
            kind, value = struct.unpack("<ii", self.exactly(self._answer))
            if kind != _INTERRUPT:
                return value
            self.handlers[value](value)
            self._out.write(struct.pack("<BBHIqq", _SERVED, 0, 0, 0, 0, 0))


class Machine:
    """``machine``."""

    def __init__(self, link):
        self._link = link

    def disable_irq(self):
        return self._link.ask(_DISABLE)

    def enable_irq(self, state=1):
        self._link.ask(_ENABLE, state)

    def idle(self):
        self._link.ask(_IDLE, -1)

    def idle_until(self, ticks):
        self._link.ask(_IDLE, ticks)

    def set_irq_handler(self, number, handler):
        self._link.handlers[number] = handler
        self._link.ask(_HOOK, number, handler is not None)

    def advance(self, ns):
        self._link.ask(_ADVANCE, ns)

    def step(self, net, step, last):
        self._link.ask(_STEP, net << 16 | step, last)


class Time:
    """``utime``, with ticks as on a 32-bit board."""

    def __init__(self, link, period):
        self._link = link
        self._period = period

    def ticks_us(self):
        return self._link.ask(_NOW)

    def ticks_add(self, ticks, delta):
        return (ticks + delta) % self._period

    def ticks_diff(self, end, start):
        half = self._period // 2
        return (end - start + half) % self._period - half


class Registers:
    """Words from an address on, as `ptr32` has them in viper."""

    def __init__(self, link, base):
        self._link = link
        self._base = base

    def __getitem__(self, index):
        return self._link.ask(_READ, self._base + 4 * index, 4)

    def __setitem__(self, index, value):
        self._link.ask(_WRITE, self._base + 4 * index, value % _WORD)


def install(link, period):
    """What the firmware imports, and the casts of functions that are not in viper here."""
    machine = Machine(link)
    sys.modules["machine"] = machine
    sys.modules["utime"] = Time(link, period)
    builtins.ptr32 = lambda x: Registers(link, x) if isinstance(x, int) else x
    builtins.uint = lambda x: x % _WORD
    return machine


def body_of(link, index, app):
    """Body of a task: the next frame, the inference, its outputs to whoever listens."""
    net = app.nets[app.tasks[index].net]

    async def body(running):
        frame = bytearray(link.ask(_FRAME, index))
        link.exactly(frame)
        parts = []
        at = 0
        for info in net.inputs:
            parts.append(memoryview(frame)[at : at + info.size])
            at += info.size
        await running.infer(tuple(parts))
        outputs = [bytes(running.output(i).raw) for i in range(len(net.outputs))]
        link.ask(_OUTPUT, index, 0, b"".join(outputs))

    return body


def charge(machine, port, dispatch_ns, release_ns, resume_ns, completion_ns):
    """Let the firmware's own work take the time that it takes in the emulation on CPython."""
    port.charge_dispatch = lambda: machine.advance(dispatch_ns)
    port.charge_release = lambda task: release_ns and machine.advance(release_ns)
    port.charge_resume = lambda: machine.advance(resume_ns)
    port.charge_body = lambda ns: machine.advance(ns + completion_ns)
    port.charge_step = machine.step


def main(reading, writing, firmware, board_folder, duration_us, policy, period, *costs_ns):
    """Run the container in flash for a while, and report."""
    link = Link(reading, writing)
    machine = install(link, int(period))
    sys.path.insert(0, board_folder)
    sys.path.insert(0, firmware)
    import board

    import hocket

    app = hocket.load(board.FLASH_BASE)
    port = hocket.Port(board)
    kernel = hocket.Kernel(app, policy=policy or None, port=port)
    charge(machine, port, *[int(ns) for ns in costs_ns])
    for index, task in enumerate(app.tasks):
        kernel.every(task.name)(body_of(link, index, app))
    kernel.run(int(duration_us))
    link.ask(_REPORT, 0, 0, kernel.report().encode())
    kernel.close()


main(*sys.argv[1:])
