# SPDX-License-Identifier: Apache-2.0
"""What segmentation needs of a compiled network, and the dependencies that it derives once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from hocket_host.errors import HocketError
from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.stream.command_stream import CommandStream, parse
from hocket_host.ethosu.stream.isa import CommandStreamError
from hocket_host.ethosu.stream.operation import Operation

from .dataflow import ByteRange, Footprint, consumer, footprints, written_regions

#: The look-up tables lie in the last 2 KiB of SHRAM.
LUT_BYTES = 2048
LUT_SLOT_BYTES = 256


class SplitError(HocketError):
    """Cuts that a command stream does not allow."""


class SourceOperation(Protocol):
    """Names an operation by the source model."""

    @property
    def source_kind(self) -> str:
        """Kind of its source operator."""

    @property
    def source_name(self) -> str:
        """Layer name of its source operator."""


class Compiled(Protocol):
    """A compiled network, as `hocket_tools.vela` returns it."""

    @property
    def npu(self) -> NpuConfig:
        """Accelerator it was compiled for."""

    @property
    def stream(self) -> CommandStream:
        """Its parsed command stream."""

    @property
    def live_out(self) -> tuple[ByteRange, ...]:
        """Outputs and persistent state."""

    @property
    def operations(self) -> Sequence[SourceOperation]:
        """Source of each operation."""

    @property
    def analysis(self) -> Analysis:
        """Its dependencies, derived once."""


@dataclass(frozen=True)
class _Unnamed:
    source_kind: str = ""
    source_name: str = ""


@dataclass(frozen=True)
class Stream:
    """A bare command stream as a compiled network."""

    npu: NpuConfig
    stream: CommandStream
    live_out: tuple[ByteRange, ...] = ()
    operations: tuple[SourceOperation, ...] = field(default=())

    @classmethod
    def of(cls, stream: bytes, config: NpuConfig, live_out: Sequence[ByteRange] = ()) -> Stream:
        """Parse a stream; its operations have no source names."""
        parsed = parse(stream)
        return cls(config, parsed, tuple(live_out), (_Unnamed(),) * len(parsed.operations))

    @cached_property
    def analysis(self) -> Analysis:
        """Its dependencies, derived once."""
        return Analysis(self)


class Analysis:
    """Register and look-up table dependencies of one stream, and where it may be cut."""

    def __init__(self, network: Compiled) -> None:
        stream = network.stream
        if not stream.stops or not stream.operations:
            raise CommandStreamError(
                "the stream cannot be split",
                found="no operation" if stream.stops else "no NPU_OP_STOP at its end",
                expected="operations, then NPU_OP_STOP",
            )
        self.network = network
        self.operations: tuple[Operation, ...] = stream.operations
        self.prints: list[Footprint] = footprints(self.operations)
        self.reads = [operation.reads() for operation in self.operations]
        self.tables = self._tables()
        self._users = [index for index, tables in enumerate(self.tables) if tables]
        self._replays: dict[int, list[tuple[int, int]]] = {}

    def _tables(self) -> list[frozenset[int]]:
        """For each operation, the DMAs whose look-up tables it reads."""
        base = self.network.npu.shram_bytes - LUT_BYTES
        owner: list[int | None] = [None] * LUT_BYTES
        found: list[frozenset[int]] = []
        for index, operation in enumerate(self.operations):
            needed: frozenset[int] = frozenset()
            if operation.is_dma:
                copy = operation.dma()
                if copy.destination_internal:
                    start = max(copy.destination.start - base, 0)
                    end = min(copy.destination.start + copy.destination.length - base, LUT_BYTES)
                    owner[start:end] = [index] * (end - start)
            elif operation.lut_slot is not None:
                start = operation.lut_slot * LUT_SLOT_BYTES
                read = owner[start : start + operation.lut_bytes]
                if None in read or len(read) < operation.lut_bytes:
                    raise CommandStreamError(
                        "an operation uses a look-up table that was never loaded",
                        where=f"command stream word {operation.word}",
                        found=f"slot {operation.lut_slot}",
                        expected="a DMA that loads it earlier in the same stream",
                    )
                needed = frozenset(i for i in read if i is not None)
            found.append(needed)
        return found

    def reloads(self, first: int, last: int) -> list[int]:
        """DMAs before ``first`` whose tables the operations [first, last) use, in stream order."""
        users = self._users
        inside = users[bisect_left(users, first) : bisect_left(users, last)]
        needed = {dma for index in inside for dma in self.tables[index] if dma < first}
        return sorted(needed)

    def replayed(self, first: int, last: int) -> list[int]:
        """Registers that the operations [first, last) inherit from before, by key."""
        return sorted(key for _, key in self._inherited_before(first, last))

    def inheritance(self, first: int, last: int) -> tuple[int, tuple[int, ...]]:
        """Key of the prologue of a segment from ``first``, without building it."""
        return len(self._inherited_before(first, last)), tuple(self.reloads(first, last))

    def _inherited_before(self, first: int, last: int) -> list[tuple[int, int]]:
        reads = self._replays.get(first)
        if reads is None:
            reads = self._replays[first] = self._inherited(first)
        return reads[: bisect_left(reads, (last, 0))]

    def _inherited(self, first: int) -> list[tuple[int, int]]:
        """What a segment from ``first`` to the end inherits: ``(operation that reads it, key)``."""
        open_keys = set(self.operations[first - 1].registers)
        found: list[tuple[int, int]] = []
        for index in range(first, len(self.operations)):
            open_keys -= self.operations[index].written
            read = self.reads[index] & open_keys
            found.extend((index, key) for key in sorted(read))
            open_keys -= read
            if not open_keys:
                break
        return found

    @cached_property
    def cuts(self) -> tuple[int, ...]:
        """Operations before which the stream may be cut, one place between any two kernels.

        The cut falls after the DMAs that fetch weights for the coming kernel, so that they still
        run beside the kernel before it, but before those that load look-up tables, which would have
        to be loaded twice. It is not allowed while a table is needed whose source the stream itself
        may have overwritten, which Vela never emits.
        """
        changing = written_regions(self.prints)
        last_use: dict[int, int] = {}
        for index, tables in enumerate(self.tables):
            for dma in tables:
                if self.operations[dma].dma().source.region in changing:
                    last_use[dma] = index
        found: list[int] = []
        previous: int | None = None
        for index, operation in enumerate(self.operations):
            if operation.is_dma:
                continue
            if previous is not None:
                at = previous + 1
                for dma in range(previous + 1, index):
                    internal = self.operations[dma].dma().destination_internal
                    if not internal and consumer(self.operations, self.prints, dma) == index:
                        at = dma + 1
                if not any(dma < at <= use for dma, use in last_use.items()):
                    found.append(at)
            previous = index
        return tuple(found)
