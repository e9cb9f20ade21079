# SPDX-License-Identifier: Apache-2.0
"""Which bytes the parts of a network leave for those after them, over both units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..segment.dataflow import ByteRange, Footprint, Mask, ranges_of
from .result import CompiledModel, Part


def reads(prints: Sequence[Footprint], region: int) -> list[ByteRange]:
    """Bytes of a region that operations read, by the whole extent of each."""
    boxes = {(b.low, b.high) for p in prints for b in p.reads if b.region == region}
    return [ByteRange(region, low, high) for low, high in sorted(boxes)]


def needed(
    parts: Sequence[Part],
    prints: Sequence[Sequence[Footprint]],
    lasting: Iterable[ByteRange],
    sizes: dict[int, int],
) -> tuple[list[tuple[ByteRange, ...]], tuple[ByteRange, ...]]:
    """Bytes that must hold their value when each part ends, and when the first begins."""
    live: dict[int, Mask] = {
        region: np.zeros(size, dtype=np.bool_) for region, size in sizes.items() if size
    }
    for r in lasting:
        live[r.region][r.start : r.end] = True
    after: list[tuple[ByteRange, ...]] = []
    for part, own in zip(reversed(parts), reversed(prints), strict=True):
        after.append(ranges_of(live))
        if isinstance(part, CompiledModel):
            for p in reversed(own):
                for box in p.writes:
                    box.of(live[box.region])[...] = False
                for box in p.reads:
                    if box.region in live:
                        box.of(live[box.region])[...] = True
            continue
        outputs = {t.index for t in part.source.outputs}
        for index, r in part.places.items():
            if index in outputs:
                live[r.region][r.start : r.end] = False
        for index, r in part.places.items():
            if index not in outputs:
                live[r.region][r.start : r.end] = True
    return after[::-1], ranges_of(live)
