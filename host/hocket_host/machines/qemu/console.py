# SPDX-License-Identifier: Apache-2.0
"""Input of the guest's UART, character by character at set instants.

What is sent to QEMU's own UART arrives when the host's scheduling will have it. So its receiver
stays unused: for as long as a character waits, the memory protection unit closes the UART (two
regions over it, which no access may match), accesses to it fault, and the host answers them with
what the UART says and the character on top. In the handler of hard faults, where the host's calls
are then carried out, the unit is off.
"""

from __future__ import annotations

from collections import deque

from hocket_host.sim.clock import Clock

from .errors import QemuError
from .guest import QemuGuest
from .line import InterruptLine

BASE, SIZE = 0x4930_3000, 0x1000
_DATA, _STATE, _CONTROL, _INTERRUPT = 0x0, 0x4, 0x8, 0xC
_RECEIVED = 2
_RECEIVES, _RECEIVE_INTERRUPT = 1 << 1, 1 << 3
#: One character at 115200 baud.
_CHARACTER_NS = 86_875

_MPU_CONTROL, _MPU_NUMBER, _MPU_BASE, _MPU_LIMIT = (
    0xE000_ED94,
    0xE000_ED98,
    0xE000_ED9C,
    0xE000_EDA0,
)
#: Enabled, with the default map for all that no region covers.
_MPU_ON = 5


class Console:
    """What types at the guest.

    Parameters
    ----------
    clock
        Virtual time.
    guest
        Who listens.
    irq
        The UART's interrupt for received characters; None where it has none.
    """

    def __init__(self, clock: Clock, guest: QemuGuest, irq: int | None) -> None:
        self._clock = clock
        self._guest = guest
        self._line = None if irq is None else InterruptLine(irq, clock, guest)
        self._typed: deque[int] = deque()
        self._waiting: int | None = None
        self._flag = 0

    def feed(self, data: bytes) -> None:
        """Type; characters follow each other as at 115200 baud, or when there is room."""
        if data and not self._typed:
            self._clock.after(_CHARACTER_NS, self._type, "character")
        self._typed.extend(data)

    def reset(self) -> None:
        """The guest's devices are as after power-on: what waited is lost."""
        self._waiting = None
        self._interrupt(False)

    def read(self, offset: int) -> int:
        """A load while the UART is closed."""
        if offset == _DATA and self._waiting is not None:
            value, self._waiting = self._waiting, None
            self._guest.poke(_MPU_CONTROL, 0)
            return value
        value = self._guest.peek(BASE + offset)[0]
        if offset == _STATE:
            return value | _RECEIVED
        return value | self._flag if offset == _INTERRUPT else value

    def write(self, offset: int, value: int) -> None:
        """A store while the UART is closed."""
        if offset == _INTERRUPT and value & _RECEIVED:
            self._interrupt(False)
        self._guest.poke(BASE + offset, value)

    def _type(self) -> None:
        if self._waiting is None:
            control, protection = self._guest.peek(BASE + _CONTROL, _MPU_CONTROL)
            if protection:
                raise QemuError(
                    "the guest uses the memory protection unit, which QEMU's console input needs",
                    found=f"MPU_CTRL {protection:#x}", expected="MPU_CTRL 0",
                    try_="run this image on the bundled emulator, or without input",
                )  # fmt: skip
            if control & _RECEIVES:
                self._close()
                self._waiting = self._typed.popleft()
                if control & _RECEIVE_INTERRUPT:
                    self._interrupt(True)
        if self._typed:
            self._clock.after(_CHARACTER_NS, self._type, "character")

    def _close(self) -> None:
        for region in range(2):
            self._guest.poke(_MPU_NUMBER, region)
            self._guest.poke(_MPU_BASE, BASE)
            self._guest.poke(_MPU_LIMIT, BASE + SIZE - 32 | 1)
        self._guest.poke(_MPU_CONTROL, _MPU_ON)

    def _interrupt(self, up: bool) -> None:
        self._flag = _RECEIVED if up else 0
        if self._line is not None:
            self._line.drive(up)
