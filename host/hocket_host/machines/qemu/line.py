# SPDX-License-Identifier: Apache-2.0
"""An interrupt line of ours into QEMU's interrupt controller, which has no input for it.

The controller's pending bit is set when the line rises. A line that is still up when its handler
has returned, or when the pending bit has been cleared, must raise the interrupt again; that is
found by looking, less and less often.
"""

from __future__ import annotations

from hocket_host.sim.clock import Clock

from .guest import QemuGuest

_SET_PENDING, _ACTIVE = 0xE000_E200, 0xE000_E300
_FIRST_LOOK_NS, _LAST_LOOK_NS = 20_000, 1_280_000


class InterruptLine:
    """The line of one interrupt.

    Parameters
    ----------
    irq
        Its number.
    clock
        Virtual time.
    guest
        Who is interrupted.
    """

    def __init__(self, irq: int, clock: Clock, guest: QemuGuest) -> None:
        self._bit = 1 << irq % 32
        self._bank = 4 * (irq // 32)
        self._clock = clock
        self._guest = guest
        self._up = False
        self._rises = 0

    def drive(self, up: bool) -> None:
        """Set the line's level."""
        if up and not self._up:
            self._rises += 1
            self._pend()
            self._look_after(_FIRST_LOOK_NS, self._rises)
        self._up = up

    def _pend(self) -> None:
        self._guest.poke(_SET_PENDING + self._bank, self._bit)

    def _look_after(self, delay_ns: int, rise: int) -> None:
        def look() -> None:
            if not self._up or rise != self._rises:
                return
            words = self._guest.peek(_SET_PENDING + self._bank, _ACTIVE + self._bank)
            if not any(word & self._bit for word in words):
                self._pend()
            self._look_after(min(2 * delay_ns, _LAST_LOOK_NS), rise)

        self._clock.after(delay_ns, look, "interrupt line is up")
