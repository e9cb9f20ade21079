# SPDX-License-Identifier: Apache-2.0
"""Where the weights of each kernel come from, and which DMA fetches them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hocket_host.ethosu.stream.operands import Dma, Span
from hocket_host.ethosu.stream.operation import Operation

from ..segment.dataflow import ByteRange, footprints, live_before
from ..vela import CompiledModel
from .weights import ALIGNMENT, SCALE_BYTES, Slicer

#: Operations before and after a kernel among which DMAs may run beside it, generously.
_BESIDE = 4


class Origins:
    """Origin of the read-only data behind every operation of a compiled network."""

    def __init__(self, compiled: CompiledModel) -> None:
        self.operations: Sequence[Operation] = compiled.stream.operations
        self.prints = footprints(self.operations)
        self.config = compiled.npu
        self.read_only = compiled.read_only
        self.flash_region = compiled.flash_region
        self.live_out = compiled.live_out
        self.kept = compiled.kept
        self.slicer = cache(self._slicer)

    def feeder(self, index: int, span: Span) -> int | None:
        """The DMA that filled a span before operation ``index``; None if several, or none, did."""
        for at in range(index - 1, -1, -1):
            for box in self.prints[at].writes:
                start, end = span.start, span.start + span.length
                if box.region == span.region and box.low < end and start < box.high:
                    inside = box.low <= start and end <= box.high
                    return at if inside and self.operations[at].is_dma else None
        return None

    def users(self, dma: int) -> list[int]:
        """Operations that read what a DMA copied, until it is overwritten."""
        copy = self.operations[dma].dma()
        found = []
        low, high = copy.destination.start, copy.destination.start + copy.destination.length
        for at in range(dma + 1, len(self.operations)):
            p = self.prints[at]
            if any(_touches(b.region, b.low, b.high, copy, low, high) for b in p.reads):
                found.append(at)
            if any(_touches(b.region, b.low, b.high, copy, low, high) for b in p.writes):
                break
        return found

    def free(self, index: int, size: int) -> int:
        """Offset in the region of a kernel's OFM at which ``size`` bytes are unused while it runs.

        Bytes that die before it are free once the kernel before has ended; those that a DMA around
        it touches are not. Behind everything else, perhaps beyond the end of the region, there is
        always room.
        """
        region = self.operations[index].ofm().region
        live = live_before(self.prints, self.live_out, {index, index + 1}.__contains__)
        taken = [*live[index], *live.get(index + 1, self.live_out)]
        for at in range(max(index - _BESIDE, 0), min(index + _BESIDE + 1, len(self.prints))):
            if at == index or self.operations[at].is_dma:
                p = self.prints[at]
                taken += [ByteRange(b.region, b.low, b.high) for b in (*p.reads, *p.writes)]
        at = 0
        for r in sorted(r for r in taken if r.region == region):
            if r.start - at >= size:
                break
            at = max(at, -(-r.end // ALIGNMENT) * ALIGNMENT)
        return at

    def _constant(self, index: int, span: Span) -> bytes | None:
        """Contents of a span as operation ``index`` finds it, if they come from flash."""
        start = span.start
        if span.region != self.flash_region:
            feeder = self.feeder(index, span)
            if feeder is None:
                return None
            copy = self.operations[feeder].dma()
            if copy.source_internal or copy.source.region != self.flash_region:
                return None
            start += copy.source.start - copy.destination.start
        return self.read_only[start : start + span.length]

    def _slicer(self, index: int) -> Slicer | None:
        """Weights and scales of a kernel; None when it has none, or they are not constant."""
        op = self.operations[index]
        weights, scales = op.weights(), op.scales()
        if scales is None:
            return None
        records = self._constant(index, scales)
        data = b"" if weights is None else self._constant(index, weights)
        if records is None or data is None or len(records) < SCALE_BYTES * op.ofm().depth:
            return None
        return Slicer(op, self.config, data, records)


def _touches(region: int, start: int, end: int, copy: Dma, low: int, high: int) -> bool:
    return region == copy.destination.region and start < high and low < end
