# SPDX-License-Identifier: Apache-2.0
"""The 32-bit down-counting timer of Arm's CMSDK (APB timer), counting virtual time.

The counter is never stepped: its value follows from the instant at which it was last set, so a
timer costs one event a period. Register layout: Arm Cortex-M System Design Kit, technical reference
manual, APB timer.
"""

from __future__ import annotations

from collections.abc import Callable

from ..units import cycles_to_ns, ns_to_cycles
from .clock import Clock, Event

CTRL, VALUE, RELOAD, INTSTATUS = 0x00, 0x04, 0x08, 0x0C

_ENABLE, _INTERRUPT_ENABLE = 1 << 0, 1 << 3


class Timer:
    """One timer: counts down to zero, then reloads and interrupts.

    Parameters
    ----------
    clock
        Virtual time.
    hz
        Frequency of the count.
    level
        Drives the interrupt line.
    """

    def __init__(self, clock: Clock, hz: int, level: Callable[[bool], None]) -> None:
        self._clock = clock
        self._hz = hz
        self._level = level
        self._control = 0
        self._reload = 0
        self._interrupt = False
        self._value = 0
        self._set_ns = 0
        # Cycles are counted from the instant the timer was started, so that a period that is no
        # whole number of nanoseconds does not drift.
        self._cycles = 0
        self._event: Event | None = None

    def _elapsed(self) -> int:
        return ns_to_cycles(self._clock.now_ns - self._set_ns, self._hz) - self._cycles

    def _current(self) -> int:
        if not self._control & _ENABLE:
            return self._value
        return max(self._value - self._elapsed(), 0)

    def _restart(self, value: int) -> None:
        self._value = value
        self._set_ns = self._clock.now_ns
        self._cycles = 0
        self._arm()

    def _arm(self) -> None:
        self._clock.cancel(self._event)
        self._event = None
        if self._control & _ENABLE and self._value:
            due_ns = self._set_ns + cycles_to_ns(self._cycles + self._value, self._hz)
            self._event = self._clock.at(due_ns, self._expire, "timer")

    def _expire(self) -> None:
        self._cycles += self._value
        self._value = self._reload
        if self._control & _INTERRUPT_ENABLE:
            self._interrupt = True
            self._level(True)
        self._arm()

    def read(self, offset: int, size: int) -> int:
        """Read a register."""
        del size
        if offset == CTRL:
            return self._control
        if offset == VALUE:
            return self._current()
        if offset == RELOAD:
            return self._reload
        return int(self._interrupt) if offset == INTSTATUS else 0

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; writing RELOAD restarts the count from it."""
        del size
        if offset == CTRL:
            current = self._current()
            self._control = value & 0xF
            self._restart(current)
        elif offset == VALUE:
            self._restart(value)
        elif offset == RELOAD:
            self._reload = value
            self._restart(value)
        elif offset == INTSTATUS and value & 1:
            self._interrupt = False
            self._level(False)
