# SPDX-License-Identifier: Apache-2.0
"""Guest memory in the host's process.

QEMU backs the machine's DDR with a file of ours, so flash is one memory for both. Other memories it
keeps to itself; of those the host has a shadow, also in the file, which is brought up to date range
by range while the guest is blocked.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from hocket_host.board.repl.platform import MemoryRange, Platform
from hocket_host.ethosu.device.queue import BoundPlan, Model
from hocket_host.ethosu.stream.operation import Operation
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
#: Ranges nearer than this are fetched together.
_NEAR = 1024

Span = tuple[int, int]
"""Half-open range of offsets in the flat memory."""


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
        self.loaded: Callable[[Sequence[Span]], None] = lambda spans: None
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

    def copied(self, start: int, end: int) -> Iterator[Span]:
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


def merge(spans: Iterable[Span], near: int = 0) -> tuple[Span, ...]:
    """Ranges in order, joined where they touch or leave a gap of at most ``near``."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + near:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


class CoherentModel:
    """A model that has what it touches of the guest's memory in the shadow while it runs.

    Parameters
    ----------
    model
        Works on the bus's flat memory.
    bus
        Guest memory.
    fetch, store
        Copy ranges from the guest into the shadow, and back.
    """

    def __init__(
        self,
        model: Model,
        bus: GuestBus,
        fetch: Callable[[Sequence[Span]], None],
        store: Callable[[Sequence[Span]], None],
    ) -> None:
        self._model = model
        self._bus = bus
        self._fetch = fetch
        self._store = store
        # With each plan, so that another cannot come to have its identity.
        self._memo: dict[tuple[int, tuple[int, ...]], tuple[Any, _Footprint]] = {}

    def plan(self, stream: bytes) -> Any:
        """As the model does."""
        return self._model.plan(stream)

    def bind(self, plan: Any, bases: tuple[int, ...], extents: Sequence[Any]) -> BoundPlan:
        """As the model does; what is bound fetches before it runs, and stores after."""
        bound = self._model.bind(plan, bases, extents)

        found = self._memo.get((id(plan), bases))
        if found is None:
            found = plan, _Footprint(plan.operations, bases, self._bus)
            self._memo[id(plan), bases] = found
        return _Coherent(bound, found[1], self)

    def fetch(self, spans: Sequence[Span]) -> None:
        """Bring ranges of the shadow up to date."""
        self._fetch(spans)

    def store(self, spans: Sequence[Span]) -> None:
        """Bring the guest's own ranges up to date."""
        self._store(spans)


class _Footprint:
    """The copied memory that operations touch, as far as it has been asked for."""

    def __init__(
        self, operations: Sequence[Operation], bases: Sequence[int], bus: GuestBus
    ) -> None:
        self._operations = operations
        self._bases = bases
        self._bus = bus
        self._memo: dict[Span, tuple[tuple[Span, ...], tuple[Span, ...]]] = {}

    def spans(self, first: int, last: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """Ranges to fetch before operations ``[first, last)`` and to store after them.

        What is stored may be written in part only, so it is fetched, too.
        """
        found = self._memo.get((first, last))
        if found is None:
            every: list[Span] = []
            written: list[Span] = []
            for operation in self._operations[first:last]:
                for access in operation.accesses():
                    if access.region < 0:
                        continue
                    base = self._bases[access.region]
                    spans = [*self._bus.copied(base + access.start, base + access.end)]
                    every += spans
                    if access.write:
                        written += spans
            found = self._memo[first, last] = (merge(every, _NEAR), merge(written))
        return found

    def __len__(self) -> int:
        return len(self._operations)


class _Coherent:
    """A bound plan that fetches before it runs and stores after."""

    def __init__(self, bound: BoundPlan, footprint: _Footprint, model: CoherentModel) -> None:
        self._bound = bound
        self._footprint = footprint
        self._model = model

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Execute operations ``[first, last)``."""
        end = len(self._footprint) if last is None else last
        fetched, stored = self._footprint.spans(first, end)
        self._model.fetch(fetched)
        try:
            self._bound.run(first, end)
        finally:
            self._model.store(stored)
