# SPDX-License-Identifier: Apache-2.0
"""The memory that shim and host share: words at fixed places, and a list of calls.

The names and numbers are those of ``shim.S``.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum

_KIND = 0x00
_VERDICT = 0x04
_TIME = 0x08
_WINDOW = 0x10
_OLD_RESET = 0x1C
_OPEN_OUT = 0x24
_OPEN_IN = 0x30
_BELL_OUT = 0x3C
_BELL_IN = 0x48
_OLD_NMI = 0x58
_REGISTERS = 0x60
_CODE = 0xA8
_BYTE = 0xB0
_PATHS = 0xC0
_CALLS = 0x100
_RECORD = 16

#: Bytes of the mailbox; what follows the words is the list of calls.
SIZE = 0x10000
CAPACITY = (SIZE - _CALLS) // _RECORD - 1

_MODE_READ, _MODE_UPDATE, _MODE_WRITE = 1, 3, 5


class Kind(IntEnum):
    """Why the shim rings."""

    RESET = 1
    ACCESS = 2
    TIMER = 3


class Call(IntEnum):
    """What the shim can do for the host: semihosting, by Arm's numbers, and some of its own."""

    RESUME = 0
    OPEN = 0x01
    WRITE = 0x05
    READ = 0x06
    SEEK = 0x0A
    RING = 0x40
    POKE = 0x41
    PEEK = 0x42
    ARM = 0x43


Record = tuple[Call, int, int, int]


def record(call: Call, a: int = 0, b: int = 0, c: int = 0) -> Record:
    """A call with its arguments."""
    return (call, a, b, c)


class Mailbox:
    """The host's side of the mailbox.

    Parameters
    ----------
    memory
        Its bytes, shared with the guest.
    address
        Where the guest sees it.
    """

    def __init__(self, memory: memoryview, address: int) -> None:
        self._memory = memory
        self._address = address

    def prepare(
        self,
        *,
        window: tuple[int, int],
        uart: int,
        handlers: tuple[int, int, int],
        paths: tuple[str, str, str],
    ) -> None:
        """Fill it in before the guest starts.

        Parameters
        ----------
        window
            Address and size of what the host answers.
        uart
            Address of what it answers, too, while it is closed.
        handlers
            The guest's own, of reset, hard fault and NMI.
        paths
            Files that the shim opens: bell to the host, bell from the host, memory.
        """
        pack = self._pack
        pack(_WINDOW, *window, uart)
        pack(_OLD_RESET, *handlers[:2])
        pack(_OLD_NMI, handlers[2])
        at = _PATHS
        self._paths: list[tuple[int, int]] = []
        for path in paths:
            text = path.encode() + b"\0"
            if at + len(text) > _CALLS:
                raise ValueError(f"paths are too long: {paths}")
            self._memory[at : at + len(text)] = text
            self._paths.append((self._address + at, len(text) - 1))
            at += len(text)
        for place, (start, length), mode in zip(
            (_OPEN_OUT, _OPEN_IN), self._paths, (_MODE_WRITE, _MODE_READ), strict=False
        ):
            pack(place, start, mode, length)
        for place in (_BELL_OUT, _BELL_IN):
            pack(place, 0, self._address + _BYTE, 1)

    def open_memory(self) -> Record:
        """The call that opens the third of the paths given to `prepare`."""
        start, length = self._paths[2]
        return record(Call.OPEN, start, _MODE_UPDATE, length)

    def _pack(self, at: int, *words: int) -> None:
        struct.pack_into(f"<{len(words)}I", self._memory, at, *words)

    def _unpack(self, at: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"<{count}I", self._memory, at)

    @property
    def kind(self) -> Kind:
        """Why the shim rang."""
        return Kind(self._unpack(_KIND, 1)[0])

    @property
    def ticks(self) -> int:
        """The guest's counter when it rang."""
        low, high = self._unpack(_TIME, 2)
        return high << 32 | low

    def registers(self) -> list[int]:
        """R0 to R15 and xPSR at a faulting access; R13 is not known and zero."""
        frame, *high = self._unpack(_REGISTERS, 9)
        del frame
        r0, r1, r2, r3, r12, lr, pc, xpsr = self._unpack(_REGISTERS + 40, 8)
        return [r0, r1, r2, r3, *high, r12, 0, lr, pc, xpsr]

    def set_registers(self, values: Sequence[int]) -> None:
        """Change what the guest returns to; R13 stays."""
        self._pack(_REGISTERS + 4, *values[4:12])
        self._pack(_REGISTERS + 40, *values[0:4], values[12], *values[14:17])

    def code(self) -> tuple[int, int]:
        """Both halfwords at the faulting access."""
        first, second = self._unpack(_CODE, 2)
        return first, second

    def refuse(self, refused: bool) -> None:
        """Whether the guest's own fault handler is to see the access."""
        self._pack(_VERDICT, int(refused))

    def put(self, calls: Sequence[Record]) -> None:
        """Write the list of calls, which ends with RESUME or RING."""
        at = _CALLS
        for call in calls:
            self._pack(at, *call)
            at += _RECORD

    def result(self, index: int) -> int:
        """What a call of the last list returned."""
        return self._unpack(_CALLS + index * _RECORD, 1)[0]
