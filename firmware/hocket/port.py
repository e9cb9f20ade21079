# SPDX-License-Identifier: Apache-2.0
# All that Hocket asks of the machine under it. A kernel takes any object with these attributes.
#
# Ticks are microseconds that wrap at 2**30 everywhere, so that no tick and no difference of two
# leaves the small integers of a 32-bit MicroPython: a larger one would be allocated.
import sys

import machine
import micropython
import uctypes
import utime
from micropython import const

_MASK = const(0x3FFFFFFF)  # of ticks
_HALF = const(0x20000000)

# The longest time from one tick to another, where both are compared: below half the circle, with
# room for what is late.
_SPAN_US = const(0x10000000)

_READ_ONLY = const(1)  # as _layout.REGION_KIND_READ_ONLY
_ARENA = const(2)  # as _layout.REGION_KIND_ARENA

_CPYTHON = sys.implementation.name == "cpython"


# Both in viper because the sums may pass 2**30 on the way.
@micropython.viper
def ticks_add(ticks: int, us: int) -> int:
    return (ticks + us) & _MASK


@micropython.viper
def ticks_diff(end: int, start: int) -> int:
    d = (end - start) & _MASK
    if d >= _HALF:
        d = d - _MASK - 1  # in two steps: their sum is no small integer, which viper needs
    return d


# A memoryview in place; it refuses what is not of its size, where a bytearray would resize.
def view(address, size):
    return memoryview(uctypes.bytearray_at(address, size))


# Where a region (kind, offset, size) of a net begins; 0 for one that is not in use.
def region_address(region, app, arena_base):
    kind = region[0]
    base = app.address if kind == _READ_ONLY else arena_base if kind == _ARENA else 0
    return base + region[1]


# Typed buffers may be copied into a byte view as they are, except on CPython.
def as_bytes(data):
    if _CPYTHON:
        return memoryview(data).cast("B")
    return data


# The real machine, by the constants of a board module. From the port it takes machine.disable_irq,
# enable_irq and idle, which all have, and what a port adds for Hocket, each by itself:
#   machine.set_irq_handler(number, handler): handler(number) on an interrupt, None to disable it;
#     without it the NPU is polled, and a segment waits for the next turn of the kernel's loop
#   machine.idle_until(ticks): sleep to an interrupt or a tick of utime.ticks_us; without it a
#     release comes with the next interrupt of the system's own tick
#   machine.NpuDispatcher, hold_irq, let_irq: the dispatcher's interrupt in C, and what disables all
#     handlers but that one; without them the interrupt is in viper, and is disabled with the others
#   machine.Agenda, with NpuDispatcher: the agenda's step in C; without it that is in Python
class Port:
    def __init__(self, board=None):
        if board is None:
            import board
        self.board = board
        self.npu_base = board.NPU_BASE
        # For RESET: 1 is privileged and secure, as a CPU boots.
        self.npu_protection = getattr(board, "NPU_PROTECTION", 1)
        self.arena_base = board.ARENA_BASE
        self.arena_size = board.ARENA_SIZE
        # Hooks for an emulation that charges the CPU's time: None, or called without
        # argument before each segment and each resume, with the task's index before each release,
        # with nanoseconds after each job, and after each CPU step of an operator with its net,
        # its index there and whether it was the last one of the step.
        self.charge_dispatch = None
        self.charge_release = None
        self.charge_resume = None
        self.charge_body = None
        self.charge_step = None
        # The interrupt takes the time twice, so what needs no wrapping is called as it is.
        self.ticks_us = utime.ticks_us if utime.ticks_add(0, -1) == _MASK else _ticks_us
        self.disable_irq = machine.disable_irq
        self.enable_irq = machine.enable_irq
        self.view = view
        self._idle_until = getattr(machine, "idle_until", None)
        self.npu_dispatcher = getattr(machine, "NpuDispatcher", None)
        self.agenda = getattr(machine, "Agenda", None)
        if self.npu_dispatcher is None:
            self.hold_irq = machine.disable_irq
            self.let_irq = machine.enable_irq
        else:
            self.hold_irq = machine.hold_irq
            self.let_irq = machine.let_irq

    # Called with interrupts disabled, so that none slips in between the check for work and the
    # wait: a pending interrupt ends the wait and is served when the caller enables them again.
    def idle(self, until):
        if until is None or self._idle_until is None:
            machine.idle()
        else:
            self._idle_until(until)

    # None unhooks. False where the board has no hook for the NPU's interrupt: the kernel polls.
    def npu_irq(self, handler):
        hook = getattr(machine, "set_irq_handler", None)
        if hook is None:
            return False
        hook(self.board.NPU_IRQ, handler)
        return True


# Where the machine's own ticks wrap later.
def _ticks_us():
    return utime.ticks_us() & _MASK
