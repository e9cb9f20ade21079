# SPDX-License-Identifier: Apache-2.0
"""The UART of Arm's CMSDK (APB UART), as on Corstone-300.

Characters take no time on the wire: a board's console is for people and test suites, and no
deadline rests on it. So the transmitter is never full, and what is fed in waits in a queue.
Register layout: Arm Cortex-M System Design Kit, technical reference manual, APB UART.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

DATA, STATE, CTRL, INTSTATUS, BAUDDIV = 0x00, 0x04, 0x08, 0x0C, 0x10

_STATE_RX_FULL = 1 << 1
_CTRL_TX, _CTRL_RX = 1 << 0, 1 << 1
_CTRL_TX_INTERRUPT, _CTRL_RX_INTERRUPT = 1 << 2, 1 << 3
_INT_TX, _INT_RX = 1 << 0, 1 << 1

#: PID and CID bytes by offset, by which a driver knows the part.
_IDENTITY = {
    0xFD0: 0x04, 0xFE0: 0x21, 0xFE4: 0xB8, 0xFE8: 0x1B,
    0xFF0: 0x0D, 0xFF4: 0xF0, 0xFF8: 0x05, 0xFFC: 0xB1,
}  # fmt: skip


class Uart:
    """One UART.

    Parameters
    ----------
    output
        Called with each byte sent.
    tx_level, rx_level
        Drive the interrupt lines.
    """

    def __init__(
        self,
        output: Callable[[bytes], None] | None = None,
        *,
        tx_level: Callable[[bool], None] | None = None,
        rx_level: Callable[[bool], None] | None = None,
    ) -> None:
        self.output = output
        self._tx_level = tx_level
        self._rx_level = rx_level
        self._input: deque[int] = deque()
        self._control = 0
        self._interrupts = 0
        self._divisor = 0
        self._last = 0

    def feed(self, data: bytes) -> None:
        """Queue bytes for the device to read."""
        self._input.extend(data)
        self._receive()

    def _receive(self) -> None:
        if self._input and self._control & _CTRL_RX and self._control & _CTRL_RX_INTERRUPT:
            self._interrupts |= _INT_RX
        self._drive()

    def _drive(self) -> None:
        if self._tx_level is not None:
            self._tx_level(bool(self._interrupts & _INT_TX))
        if self._rx_level is not None:
            self._rx_level(bool(self._interrupts & _INT_RX))

    def read(self, offset: int, size: int) -> int:
        """Read a register."""
        del size
        if offset == DATA:
            if self._input and self._control & _CTRL_RX:
                self._last = self._input.popleft()
                self._receive()
            return self._last
        if offset == STATE:
            return _STATE_RX_FULL if self._input and self._control & _CTRL_RX else 0
        if offset == CTRL:
            return self._control
        if offset == INTSTATUS:
            return self._interrupts
        if offset == BAUDDIV:
            return self._divisor
        return _IDENTITY.get(offset, 0)

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a register; a byte is sent only when the transmitter is enabled."""
        del size
        if offset == DATA:
            if self._control & _CTRL_TX:
                if self.output is not None:
                    self.output(bytes([value & 0xFF]))
                if self._control & _CTRL_TX_INTERRUPT:
                    self._interrupts |= _INT_TX
                    self._drive()
        elif offset == CTRL:
            self._control = value & 0x7F
            self._receive()
        elif offset == INTSTATUS:
            # Writing one clears; a byte still waiting is announced again, or it would be lost.
            self._interrupts &= ~value
            self._receive()
        elif offset == BAUDDIV:
            self._divisor = value & 0xF_FFFF
