# SPDX-License-Identifier: Apache-2.0
"""SysTick, cycle by cycle but never stepped.

A write to the counter clears it; one cycle later it loads RVR and counts down. When it goes from
one to zero it raises its exception; one cycle later it loads again. So everything follows from the
cycle at which it is, or was, zero, and from RVR as it stood when the counter loaded.
"""

from __future__ import annotations

from collections.abc import Callable

from hocket_host.sim.clock import Event

from .cputime import CpuTime

CSR, RVR, CVR, CALIB = 0x10, 0x14, 0x18, 0x1C
_ENABLE, _INTERRUPT, _CLOCK_SOURCE, _COUNTED = 1 << 0, 1 << 1, 1 << 2, 1 << 16
#: No calibration: 10 ms are not a known count of a reference clock.
_CALIB = 0xC000_0000


class SysTick:
    """The system timer; the reference clock is the CPU's.

    Parameters
    ----------
    time
        CPU cycles.
    pend
        Makes the SysTick exception pending.
    """

    def __init__(self, time: CpuTime, pend: Callable[[], None]) -> None:
        self._time = time
        self._pend = pend
        self._event: Event | None = None
        self.reset()

    def reset(self) -> None:
        """As after power-on."""
        self._time.clock.cancel(self._event)
        self._event = None
        self._control = 0
        self._reload = 0
        self._counted = False
        self._zero = 0
        """Cycle at which the counter was zero last, or was cleared; while enabled."""
        self._loaded: int | None = None
        """What it loaded a cycle after; None when that is still to come."""
        self._held = 0
        """The counter while disabled."""

    def _settle(self) -> None:
        """Load the counter if its cycle has come."""
        if self._control & _ENABLE and self._loaded is None and self._time.cycles > self._zero:
            self._loaded = self._reload

    def _value(self) -> int:
        if not self._control & _ENABLE:
            return self._held
        self._settle()
        if self._loaded is None:
            return 0
        return max(self._loaded - (self._time.cycles - self._zero - 1), 0)

    def _arm(self) -> None:
        """Ask for the next time that it reaches zero."""
        self._time.clock.cancel(self._event)
        self._event = None
        count = self._reload if self._loaded is None else self._loaded
        if self._control & _ENABLE and count:
            self._event = self._time.at(self._zero + 1 + count, self._expire, "SysTick")

    def _expire(self) -> None:
        self._settle()
        assert self._loaded is not None
        self._zero += 1 + self._loaded
        self._loaded = None
        self._counted = True
        if self._control & _INTERRUPT:
            self._pend()
        self._arm()

    def read(self, offset: int) -> int:
        """Read a register; reading CSR clears its count flag."""
        if offset == CSR:
            counted, self._counted = self._counted, False
            return self._control | (_COUNTED if counted else 0)
        if offset == RVR:
            return self._reload
        if offset == CVR:
            return self._value()
        return _CALIB

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == CSR:
            self._write_control(value)
        elif offset == RVR:
            self._settle()
            self._reload = value & 0xFF_FFFF
            if self._loaded == 0:
                # It stood at zero for want of a value to load.
                self._zero, self._loaded = self._time.cycles, None
            self._arm()
        elif offset == CVR:
            self._counted = False
            self._clear()

    def _clear(self) -> None:
        self._held = 0
        self._zero = self._time.cycles
        self._loaded = None
        self._arm()

    def _write_control(self, value: int) -> None:
        was = self._control
        if was & _ENABLE and not value & _ENABLE:
            self._held = self._value()
        self._control = value & (_ENABLE | _INTERRUPT) | _CLOCK_SOURCE
        if not was & _ENABLE and value & _ENABLE:
            # It goes on from where it stood; from zero it loads first.
            now = self._time.cycles
            self._zero = now - 1 if self._held else now
            self._loaded = self._held or None
        self._arm()
