# SPDX-License-Identifier: Apache-2.0
"""DMAs between the tiles of kernels: spread in chunks, or cut along with the weights they bring.

A stream can be cut between kernels only, so a long DMA is shortened by giving it more kernels to
run beside. It follows the kernel that it was issued behind; once that is in tiles, a chunk goes
behind each tile. Where the DMA must wait for that kernel, or there is none, the kernel that it
feeds is cut into slices of channels instead, each with a DMA of its own into alternating ends of
the same buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import dma_cycles

from .tiles import Cutting, Tile
from .weights import ALIGNMENT
from .window import with_registers


def copied(op: Operation, source: int, destination: int, length: int) -> Operation:
    """The same DMA with other addresses."""
    return with_registers(
        op,
        {
            int(Cmd.DMA0_SRC): source,
            int(Cmd.DMA0_DST): destination,
            int(Cmd.DMA0_LEN): length,
        },
    )


def cycles(op: Operation, system: SystemConfig, length: int | None = None) -> int:
    """Duration of a DMA, or of one of another length."""
    copy = op.dma()
    part = op if length is None else copied(op, copy.source.start, copy.destination.start, length)
    return dma_cycles(part, system).nominal


def movable(op: Operation) -> bool:
    """Whether a DMA may run beside the kernel that it was issued behind.

    It may if it does not wait for that kernel, and so may each chunk of it beside each tile.
    Look-up tables stay where they are: kernels read them without a wait.
    """
    copy = op.dma()
    return op.kernel_wait != 0 and not copy.destination_internal and not copy.source_internal


def spread(
    dmas: Sequence[tuple[int, Operation]], bound: int, slots: int, system: SystemConfig
) -> list[list[tuple[int, Operation]]]:
    """DMAs in order, in chunks over ``slots`` places so that each takes at most ``bound`` cycles.

    The first places are filled first: data comes as early as it did. The last takes what is left.
    """
    places: list[list[tuple[int, Operation]]] = [[] for _ in range(slots)]
    at, left = 0, bound
    for index, op in dmas:
        done = 0
        while done < (length := op.dma().source.length):
            size = length - done
            if at < slots - 1:
                size = _longest(op, size, left, system)
                if size == 0 or (size < length - done and left < bound):
                    at, left = at + 1, bound
                    continue
            part = _part(op, done, size)
            places[at].append((index, part))
            left -= cycles(part, system)
            done += size
    return places


def _part(op: Operation, at: int, length: int) -> Operation:
    """Some of a DMA's bytes; the first keep its waits."""
    copy = op.dma()
    part = copied(op, copy.source.start + at, copy.destination.start + at, length)
    return part if at == 0 else replace(part, dma_wait=None, kernel_wait=None)


def _longest(op: Operation, length: int, bound: int, system: SystemConfig) -> int:
    """Most bytes that take at most ``bound`` cycles; 0 when none do."""
    if cycles(op, system, length) <= bound:
        return length
    low, high = 0, length // ALIGNMENT
    while low < high:
        middle = (low + high + 1) // 2
        if cycles(op, system, middle * ALIGNMENT) <= bound:
            low = middle
        else:
            high = middle - 1
    return low * ALIGNMENT


@dataclass(frozen=True)
class Buffer:
    """SRAM that one DMA fills with weights, and perhaps scales, for one kernel alone."""

    dma: int
    """Index of the DMA."""
    kernel: int
    """Index of the kernel."""
    op: Operation
    """The DMA."""
    holds_scales: bool

    @property
    def size(self) -> int:
        """Bytes."""
        return self.op.dma().destination.length

    def bytes_of(self, tile: Tile) -> bytes:
        """What the DMA of a slice brings."""
        if tile.encoded is None:
            return b""
        scales = tile.encoded.scales if self.holds_scales else b""
        return scales + tile.encoded.weights

    def fits(self, cutting: Cutting) -> bool:
        """Whether any two slices in turn fit the buffer together; nothing to fit without slices."""
        sizes = [len(self.bytes_of(s[0])) for s in cutting.slices]
        return all(a + b <= self.size for a, b in pairwise(sizes))

    def offset(self, slice_index: int, length: int) -> int:
        """Where in the buffer a slice goes: to its start and to its end by turns."""
        return 0 if slice_index % 2 == 0 else self.size - length
