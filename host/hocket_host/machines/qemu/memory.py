# SPDX-License-Identifier: Apache-2.0
"""QemuGuest memory in the host's process.

QEMU backs the machine's DDR with a file of ours, so flash is one memory for both. Other memories it
keeps to itself; of those the host has a shadow, also in the file, which is brought up to date range
by range while the guest is blocked.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from hocket_host.board.repl.platform import MemoryRange, Platform
from hocket_host.ranges import Range
from hocket_host.sim.bus import Bus, Memory, Window

from .errors import QemuError
from .mailbox import SIZE as MAILBOX_BYTES
from .shim import ADDRESS as DDR_BASE
from .shim import Shim

DDR_BYTES = 0x8000_0000
#: Where QEMU's machine has memory of its own; all fixed. The first MiB of the DDR is the shim's.
_PLACES = {
    "instruction memory": (0x0000_0000, 0x8_0000),
    "SSRAM": (0x0100_0000, 0x20_0000),
    "data memory": (0x2000_0000, 0x8_0000),
    "SRAM": (0x2100_0000, 0x40_0000),
}
_DDR_FREE = (DDR_BASE + 0x10_0000, DDR_BYTES - 0x200_0000)


def _lies_in(memory: MemoryRange, place: tuple[int, int]) -> bool:
    base, size = place
    return base <= memory.base and memory.base + memory.size <= base + size


class GuestBus(Bus):
    """The guest's memories as the NPU sees them, in the file that backs QEMU's DDR.

    Parameters
    ----------
    platform
        Where they are.
    shim
        Put at the beginning of the DDR.

    Raises
    ------
    QemuError
        QEMU's machine has no memory where the platform has.
    """

    def __init__(self, platform: Platform, shim: Shim) -> None:
        shared = [m for m in platform.memories if _lies_in(m, _DDR_FREE)]
        others = [m for m in platform.memories if m not in shared]
        for memory in others + shared[1:]:
            if not any(_lies_in(memory, place) for place in _PLACES.values()):
                places = {**_PLACES, "DDR, once": _DDR_FREE}
                raise QemuError(
                    f"QEMU cannot place the memory {memory.name}", where=platform.path,
                    found=f"{memory.base:#x}..{memory.base + memory.size - 1:#x}",
                    expected="inside one of "
                    + ", ".join(f"{n} {b:#x}..{b + s - 1:#x}" for n, (b, s) in places.items()),
                    try_="move it, or run this platform on the bundled emulator",
                )  # fmt: skip
        super().__init__([Memory(m.name, m.base, m.size) for m in shared + others])
        self.shadowed: tuple[Window, ...] = tuple(self.window(m.base) for m in others)
        """Memories of which `memory` only holds a copy."""
        self.loaded: Callable[[Sequence[Range]], None] = lambda ranges: None
        """Called with the ranges that the guest has not got yet, after `load`."""
        self.descriptor = os.memfd_create("hocket-ddr")
        """The file."""
        self._close = weakref.finalize(self, os.close, self.descriptor)
        os.ftruncate(self.descriptor, DDR_BYTES)
        # The flat array is a stretch of the file, placed so that what lies in the DDR falls on it.
        start = shared[0].base if shared else _DDR_FREE[0]
        self.file_offset = start - DDR_BASE - (self.window(start).offset if shared else 0)
        """Where `memory` begins in the file."""
        stretch = mmap.mmap(self.descriptor, self.memory.size, offset=self.file_offset)
        self.move_to(np.frombuffer(stretch, dtype=np.uint8))
        low = mmap.mmap(self.descriptor, len(shim.code) + MAILBOX_BYTES)
        low[: len(shim.code)] = shim.code
        self.mailbox = memoryview(low)[shim.mailbox - DDR_BASE :]
        """Shared with the shim."""

    def load(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Put data into memory, the guest's own included.

        Raises
        ------
        BusFault
            It is not inside one memory.
        """
        super().load(address, data)
        at = self.offset_of(address, len(data))
        self.loaded([*self.copied(at, at + len(data))])

    def close(self) -> None:
        """Give the file back; views of the memory stay valid."""
        self._close()

    def copied(self, start: int, end: int) -> Iterator[Range]:
        """The parts of a range of offsets of which the guest has its own copy."""
        for window in self.shadowed:
            first, last = max(start, window.offset), min(end, window.offset + window.size)
            if first < last:
                yield first, last

    def address_of(self, offset: int) -> int:
        """Where the guest has a byte that `copied` gave."""
        for window in self.shadowed:
            if window.offset <= offset < window.offset + window.size:
                return window.base + offset - window.offset
        raise ValueError(f"{offset:#x} is in no copied memory")
