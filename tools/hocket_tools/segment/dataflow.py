# SPDX-License-Identifier: Apache-2.0
"""Which bytes each operation reads and writes, and which must survive a cut.

Footprints are exact to the byte: a strided feature map does not cover what lies between its rows,
so overwriting one tensor never hides that a neighbour is still needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hocket_host.ethosu.stream.isa import CommandStreamError
from hocket_host.ethosu.stream.operands import FeatureMap
from hocket_host.ethosu.stream.operation import Operation

Mask = NDArray[np.bool_]
#: Scratch beyond this is no microcontroller's; bounds what a damaged stream can make us allocate.
_MOST_BYTES = 1 << 28


class ByteRange(NamedTuple):
    """Half-open range of bytes in a region."""

    region: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """Number of bytes."""
        return self.end - self.start


@dataclass(frozen=True)
class ByteBox:
    """Bytes of a region in nested loops: the innermost stride is 1."""

    region: int
    start: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def low(self) -> int:
        """First byte."""
        return self.start + sum(
            min(0, (n - 1) * s) for n, s in zip(self.shape, self.strides, strict=True)
        )

    @property
    def high(self) -> int:
        """One past the last byte."""
        return (
            self.start
            + 1
            + sum(max(0, (n - 1) * s) for n, s in zip(self.shape, self.strides, strict=True))
        )

    def of(self, mask: Mask) -> Mask:
        """The part of a region's mask that it covers, as a writable view."""
        view: Mask = np.lib.stride_tricks.as_strided(
            mask[self.start :], self.shape, self.strides, writeable=True
        )
        return view


@dataclass(frozen=True)
class Footprint:
    """What one operation reads and writes outside SHRAM."""

    reads: tuple[ByteBox, ...]
    writes: tuple[ByteBox, ...]


def footprint(operation: Operation) -> Footprint:
    """Exact footprint of an operation."""
    reads: list[ByteBox] = []
    writes: list[ByteBox] = []
    if operation.is_dma:
        dma = operation.dma()
        if not dma.source_internal:
            reads.append(_flat(dma.source.region, dma.source.start, dma.source.length))
        if not dma.destination_internal:
            writes.append(
                _flat(dma.destination.region, dma.destination.start, dma.destination.length)
            )
    else:
        for span in (operation.weights(), operation.scales()):
            if span is not None:
                reads.append(_flat(span.region, span.start, span.length))
        second = operation.ifm2()
        for fm in (operation.ifm(), *(() if second is None else (second,))):
            reads.extend(_boxes(fm))
        writes.extend(_boxes(operation.ofm()))
    for box in reads + writes:
        if box.low < 0:
            raise CommandStreamError(
                "an operation addresses bytes before its region",
                where=f"command stream word {operation.word}",
                found=f"byte {box.low} of region {box.region}",
                expected="offsets from 0",
            )
    return Footprint(tuple(b for b in reads if b.shape[-1]), tuple(b for b in writes))


def _flat(region: int, start: int, length: int) -> ByteBox:
    return ByteBox(region, start, (length,), (1,))


def _boxes(fm: FeatureMap) -> list[ByteBox]:
    boxes = []
    size = fm.element_bytes
    for tile, y0, y1, x0, x1 in fm.tiles():
        base, rows, columns = fm.bases[tile], y1 - y0, x1 - x0
        if not fm.nhcwb16:
            boxes.append(
                ByteBox(
                    fm.region, base, (rows, columns, fm.depth * size), (fm.stride_y, fm.stride_x, 1)
                )
            )
            continue
        bricks, rest = divmod(fm.depth, 16)
        step = 16 * size
        if bricks:
            boxes.append(
                ByteBox(
                    fm.region,
                    base,
                    (rows, bricks, columns * step),
                    (fm.stride_y, fm.stride_c, 1),
                )
            )
        if rest:
            boxes.append(
                ByteBox(
                    fm.region,
                    base + bricks * fm.stride_c,
                    (rows, columns, rest * size),
                    (fm.stride_y, step, 1),
                )
            )
    return boxes


def footprints(operations: Sequence[Operation]) -> list[Footprint]:
    """Footprint of every operation."""
    return [footprint(operation) for operation in operations]


def written_regions(prints: Iterable[Footprint]) -> frozenset[int]:
    """Regions that the operations write: scratch, never flash."""
    return frozenset(box.region for p in prints for box in p.writes)


def _masks(prints: Sequence[Footprint], extra: Iterable[ByteRange]) -> dict[int, Mask]:
    """An all-false mask for each region that is written, as long as anything reaches into it."""
    ends = dict.fromkeys(written_regions(prints), 0)
    for p in prints:
        for box in p.reads + p.writes:
            if box.region in ends:
                ends[box.region] = max(ends[box.region], box.high)
    for r in extra:
        ends[r.region] = max(ends.get(r.region, 0), r.end)
    for region, end in ends.items():
        if end > _MOST_BYTES:
            raise CommandStreamError(
                "a scratch region is too large to follow",
                found=f"{end} bytes in region {region}",
                expected=f"at most {_MOST_BYTES} bytes",
            )
    return {region: np.zeros(end, dtype=np.bool_) for region, end in ends.items()}


def ranges_of(masks: Mapping[int, Mask]) -> tuple[ByteRange, ...]:
    """The true bytes of masks as ranges, in order of region and address."""
    found: list[ByteRange] = []
    for region in sorted(masks):
        edges = np.flatnonzero(np.diff(masks[region], prepend=False, append=False))
        found.extend(
            ByteRange(region, int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)
        )
    return tuple(found)


def live_before(
    prints: Sequence[Footprint],
    live_out: Iterable[ByteRange],
    wanted: Callable[[int], bool] = lambda _: True,
) -> dict[int, tuple[ByteRange, ...]]:
    """Bytes whose value is still needed before operations.

    Parameters
    ----------
    prints
        Footprints in order of execution.
    live_out
        What must hold its value at the end: outputs and persistent state.
    wanted
        Picks the operations to answer for; by default all.

    Returns
    -------
    dict
        By index of operation, the ranges of the written regions that are read at or after it
        before they are overwritten. Inputs that are still to be read are among them.
    """
    live_out = tuple(live_out)
    live = _masks(prints, live_out)
    for r in live_out:
        live[r.region][r.start : r.end] = True
    found = {}
    for index in range(len(prints) - 1, -1, -1):
        for box in prints[index].writes:
            box.of(live[box.region])[...] = False
        for box in prints[index].reads:
            if box.region in live:
                box.of(live[box.region])[...] = True
        if wanted(index):
            found[index] = ranges_of(live)
    return found


def consumer(operations: Sequence[Operation], prints: Sequence[Footprint], dma: int) -> int | None:
    """Index of the kernel that first needs what a DMA fetched; None if none does."""
    copy = operations[dma].dma()
    for index in range(dma + 1, len(operations)):
        operation = operations[index]
        if operation.is_dma:
            continue
        if copy.destination_internal:
            if operation.lut_slot is not None:
                return index
        else:
            start = copy.destination.start
            end = start + copy.destination.length
            if any(
                box.region == copy.destination.region and box.low < end and start < box.high
                for box in prints[index].reads
            ):
                return index
    return None
