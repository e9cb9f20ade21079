# SPDX-License-Identifier: Apache-2.0
"""Whether the tiles of a kernel may run one after another where the kernel ran at once.

A kernel whose output lies on its own input works because the hardware reads ahead of what it
writes, within the kernel. Between tiles nothing reads ahead: no tile may write what a later one
reads. Elementwise kernels in place pass, since each element is its own.
"""

from __future__ import annotations

import numpy as np

from ..segment.dataflow import Footprint, footprint
from .tiles import Cutting


def independent(cutting: Cutting) -> bool:
    """Whether no tile writes bytes that a later one reads."""
    if len(cutting.tiles) == 1:
        return True
    prints = [footprint(p.op) for p in cutting.tiles]
    return all(
        not _may_overlap(region, prints) or _independent_in(region, prints)
        for region in {box.region for p in prints for box in p.writes}
    )


def _may_overlap(region: int, prints: list[Footprint]) -> bool:
    """Whether the bytes read and those written come near each other at all."""
    read = [b for p in prints for b in p.reads if b.region == region]
    written = [b for p in prints for b in p.writes if b.region == region]
    return bool(read) and (
        min(b.low for b in read) < max(b.high for b in written)
        and min(b.low for b in written) < max(b.high for b in read)
    )


def _independent_in(region: int, prints: list[Footprint]) -> bool:
    boxes = [b for p in prints for b in (*p.reads, *p.writes) if b.region == region]
    read = np.zeros(max(b.high for b in boxes), np.bool_)
    for p in reversed(prints):
        if any(box.of(read).any() for box in p.writes if box.region == region):
            return False
        for box in p.reads:
            if box.region == region:
                box.of(read)[...] = True
    return True
