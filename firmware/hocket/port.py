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

_MASK = const(0x3FFFFFFF)
_HALF = const(0x20000000)

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


# Typed buffers may be copied into a byte view as they are, except on CPython.
def as_bytes(data):
    if _CPYTHON:
        return memoryview(data).cast("B")
    return data


# The real machine, by the constants of a board module.
class Port:
    def __init__(self, board=None):
        if board is None:
            import board
        self.board = board
        self.npu_base = board.NPU_BASE
        # For RESET: 1 is privileged and secure, as a processor boots.
        self.npu_protection = getattr(board, "NPU_PROTECTION", 1)
        self.arena_base = board.ARENA_BASE
        self.arena_size = board.ARENA_SIZE
        # Hooks for an emulation that charges the processor's time: None, or called without
        # argument before each segment and each resume, and with nanoseconds after each job.
        self.charge_dispatch = None
        self.charge_resume = None
        self.charge_body = None
        self._idle_until = getattr(machine, "idle_until", None)

    # utime's ticks wrap later than 2**30 on 64-bit machines.
    def ticks_us(self):
        return utime.ticks_us() & _MASK

    def disable_irq(self):
        return machine.disable_irq()

    def enable_irq(self, state):
        machine.enable_irq(state)

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

    def view(self, address, size):
        return view(address, size)
