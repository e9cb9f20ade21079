# SPDX-License-Identifier: Apache-2.0
"""Lays the tiles of kernels and DMAs out as the steps of a new stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.lint.hazards_blockdep import largest_blockdep
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Span
from hocket_host.ethosu.stream.operation import Operation

from ..segment.dataflow import ByteRange
from . import transfer
from .emit import StreamStep
from .flash import Flash
from .plan import Group, TilePlan
from .tiles import Tile, weight_registers
from .window import with_registers

_Chunks = Sequence[Sequence[tuple[int, Operation]]]


class TiledStream:
    """Steps of the new stream, and the flash contents that they read.

    Parameters
    ----------
    plan
        What is cut, and how.
    """

    def __init__(self, plan: TilePlan) -> None:
        self.plan = plan
        self._operations = plan.origins.operations
        kept, dropped = _flash_reads(plan)
        self._flash = Flash(plan.origins.read_only, plan.origins.flash_region, kept, dropped)
        self._sliced = frozenset(b.dma for b in plan.buffers.values())
        self.steps = _ordered(self._all(), plan.config)

    @property
    def flash(self) -> bytes:
        """Contents of the flash region."""
        return self._flash.contents

    def _all(self) -> Iterator[StreamStep]:
        for group in self.plan.groups:
            yield from self._group(group)

    def _group(self, group: Group) -> Iterator[StreamStep]:
        """A kernel's tiles with the chunks of the DMAs behind it, then those that must wait."""
        moved = self.plan.movable(group)
        kernel = group.kernel
        if kernel is not None:
            tiles = self.plan.cuttings[kernel].tiles
            # The DMAs that bring its own slices go first.
            first = len(tiles) - len(self.plan.cuttings[kernel].slices[-1])
            if kernel not in self.plan.buffers:
                first = 0
            places = max(len(tiles) - 1 - first, 1)
            chunks = self._chunks(moved, places)
            for index, (tile, own) in enumerate(self._tiles(kernel)):
                yield tile
                if own is not None:
                    yield own
                if 0 <= index - first < places:
                    yield from (StreamStep(op, i) for i, op in chunks[index - first])
        else:
            yield from (StreamStep(op, i) for i, op in self._chunks(moved, 1)[0])
        for index in group.dmas[len(moved) :]:
            yield StreamStep(self._dma(index), index)

    def _chunks(self, moved: Sequence[int], places: int) -> _Chunks:
        dmas = [(i, self._dma(i)) for i in moved]
        return transfer.spread(dmas, self.plan.bound, places, self.plan.system)

    def _dma(self, index: int) -> Operation:
        """A DMA as it is, or that of the first slice of what it brings."""
        op = self._operations[index]
        if index not in self._sliced:
            return op
        kernel = next(k for k, b in self.plan.buffers.items() if b.dma == index)
        return self._slice_dma(kernel, 0)

    def _slice_dma(self, kernel: int, index: int) -> Operation:
        buffer = self.plan.buffers[kernel]
        data = buffer.bytes_of(self.plan.cuttings[kernel].slices[index][0])
        start = buffer.op.dma().destination.start + buffer.offset(index, len(data))
        op = transfer.copied(buffer.op, self._flash.add(data), start, len(data))
        # The kernels before the slice that runs now have used this end of the buffer.
        return op if index == 0 else replace(op, dma_wait=None, kernel_wait=1)

    def _tiles(self, kernel: int) -> Iterator[tuple[StreamStep, StreamStep | None]]:
        """A kernel's tiles, each with the DMA that brings the next slice, if one does."""
        cutting, buffer = self.plan.cuttings[kernel], self.plan.buffers.get(kernel)
        start = True
        for number, tiles in enumerate(cutting.slices):
            for index, tile in enumerate(tiles):
                op = self._placed(kernel, number, tile)
                if not start:
                    op = replace(op, dma_wait=None, kernel_wait=None)
                own = None
                if buffer is not None and index == 0:
                    op = replace(op, dma_wait=0)
                    if number + 1 < len(cutting.slices):
                        own = StreamStep(
                            self._slice_dma(kernel, number + 1), buffer.dma, own_wait=True
                        )
                yield StreamStep(op, kernel, follows=tile.follows), own
                start = False

    def _placed(self, kernel: int, number: int, tile: Tile) -> Operation:
        """A tile with the addresses of its weights and scales."""
        encoded, op = tile.encoded, tile.op
        if encoded is None:
            return op
        flash = self.plan.origins.flash_region
        weights, scales, buffer = op.weights(), op.scales(), self.plan.buffers.get(kernel)
        assert scales is not None
        if buffer is None:
            if weights is not None:
                weights = Span(flash, self._flash.add(encoded.weights), 0)
            scales = Span(flash, self._flash.add(encoded.scales), 0)
            return with_registers(op, weight_registers(encoded, weights, scales))
        data = buffer.bytes_of(tile)
        region = buffer.op.dma().destination.region
        at = buffer.op.dma().destination.start + buffer.offset(number, len(data))
        if buffer.holds_scales:
            scales = Span(region, at, 0)
            at += len(encoded.scales)
        else:
            scales = Span(flash, self._flash.add(encoded.scales), 0)
        return with_registers(op, weight_registers(encoded, Span(region, at, 0), scales))


def _flash_reads(plan: TilePlan) -> tuple[list[ByteRange], list[ByteRange]]:
    """What the new stream reads where the old one did, and what it reads anew elsewhere."""
    kept: list[ByteRange] = list(plan.origins.kept)
    dropped: list[ByteRange] = []
    brought = {b.dma for b in plan.buffers.values()}
    for index, op in enumerate(plan.origins.operations):
        renewed = index in brought
        spans = [op.dma().source] if op.is_dma else [s for s in (op.weights(), op.scales()) if s]
        if not op.is_dma:
            renewed = any(p.encoded is not None for p in plan.cuttings[index].tiles)
            for fm in (op.ifm(), op.ifm2()):
                if fm is not None:
                    kept += [ByteRange(fm.region, a, b) for a, b in fm.extents()]
        ranges = [ByteRange(s.region, s.start, s.start + s.length) for s in spans]
        (dropped if renewed else kept).extend(ranges)
    return kept, dropped


def _ordered(steps: Iterator[StreamStep], config: NpuConfig) -> tuple[StreamStep, ...]:
    """Steps with block dependencies that hold where one kernel became several."""
    found: list[StreamStep] = []
    before: StreamStep | None = None
    cut = False
    for step in steps:
        now = step
        if not now.op.is_dma:
            split = before is not None and now.origin == before.origin
            value = now.op.register(Cmd.BLOCKDEP)
            if before is not None and (cut or split):
                safe = largest_blockdep(now.op, before.op, config)
                # Tiles of one kernel were not ordered before; elsewhere Vela's value is the limit.
                value = safe if split else min(value, safe)
            elif before is not None and value:
                value = min(value, largest_blockdep(now.op, before.op, config))
            if now.follows:
                value = 0
            if value != now.op.register(Cmd.BLOCKDEP):
                now = replace(now, op=with_registers(now.op, {int(Cmd.BLOCKDEP): value}))
            cut = split
            before = now
        found.append(now)
    return tuple(found)
