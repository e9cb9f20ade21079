# SPDX-License-Identifier: Apache-2.0
"""``machine`` of MicroPython, and the three functions that Hocket's ports add to it."""

from __future__ import annotations

from collections.abc import Callable

from . import utime
from .state import current


class _Memory:
    """``mem8``, ``mem16`` or ``mem32``."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __getitem__(self, address: int) -> int:
        value = current().read(address & 0xFFFFFFFF_FFFFFFFF, self._size)
        # A 32-bit MicroPython boxes a word as the signed integer of its own size.
        if self._size == 4 and value & 0x80000000 and getattr(current(), "signed_mem32", True):
            value -= 1 << 32
        return value

    def __setitem__(self, address: int, value: int) -> None:
        mask = (1 << 8 * self._size) - 1
        current().write(address & 0xFFFFFFFF_FFFFFFFF, self._size, value & mask)


mem8 = _Memory(1)
mem16 = _Memory(2)
mem32 = _Memory(4)


def disable_irq() -> object:
    """Disable interrupts and return the state for :func:`enable_irq`."""
    return current().disable_irq()


def enable_irq(state: object = True) -> None:
    """Restore the state of interrupts."""
    current().enable_irq(state)


def idle() -> None:
    """Sleep until an interrupt."""
    current().wait_for_interrupt(None)


def idle_until(ticks: int) -> None:
    """Sleep until an interrupt or a tick of ``utime.ticks_us``. Hocket's ports have it."""
    until_ns = utime.instant_ns(ticks, current().now_ns())
    if until_ns is not None:
        current().wait_for_interrupt(until_ns)


def set_irq_handler(number: int, handler: Callable[[int], object] | None) -> None:
    """Call ``handler(number)`` on an interrupt. Hocket's ports have it."""
    current().set_irq_handler(number, handler)


def freq() -> int:
    """Frequency of the CPU in hertz, 0 if the machine does not tell."""
    return int(getattr(current(), "cpu_hz", 0))
