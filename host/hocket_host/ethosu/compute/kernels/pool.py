# SPDX-License-Identifier: Apache-2.0
"""Pooling: maximum, average, and the sum over channels."""

from __future__ import annotations

import numpy as np

from .activation import activate
from .compiled import kernel
from .conv import LANES
from .feature_map import fetch_ifm, store_row
from .row import (
    F_DEPTH,
    F_HEIGHT,
    F_WIDTH,
    GLOBAL_SCALE,
    IFM,
    KERNEL_H,
    KERNEL_W,
    MODE,
    OFM,
    PAD_BOTTOM,
    PAD_LEFT,
    PAD_RIGHT,
    PAD_TOP,
    PADDED_H,
    PADDED_W,
    ROUND_DOWN,
    ROUND_UP,
    ROUNDING,
    SCALE,
    SCALED_HIGH,
    SCALED_LOW,
    SCALED_ZERO,
    SHIFT,
    STRIDE_X,
    STRIDE_Y,
)
from .scaling import average_scale, scale_channels, scale_uniform

MAXIMUM, AVERAGE, REDUCE_SUM = 0, 1, 2
# Loses every comparison with an element, so that padding never wins.
_LOWEST = -(1 << 31)


@kernel
def _pool_row(row, buffer, acc, lanes, y):  # type: ignore[no-untyped-def]
    """Accumulate one OFM row, ``lanes`` apart from pixel to pixel."""
    mode, depth, width = row[MODE], row[IFM + F_DEPTH], row[OFM + F_WIDTH]
    pitch = row[PADDED_W] * depth
    for x in range(width):
        a = acc[x * lanes : (x + 1) * lanes]
        start = y * row[STRIDE_Y] * pitch + x * row[STRIDE_X] * depth
        if mode == REDUCE_SUM:
            source = buffer[start : start + depth]
            total = np.int64(0)
            for c in range(depth):
                total += source[c]
            a[0] = total
            continue
        for c in range(depth):
            a[c] = _LOWEST if mode == MAXIMUM else 0
        for ky in range(row[KERNEL_H]):
            for kx in range(row[KERNEL_W]):
                place = start + ky * pitch + kx * depth
                source = buffer[place : place + depth]
                if mode == MAXIMUM:
                    for c in range(depth):
                        a[c] = max(a[c], np.int64(source[c]))
                else:
                    for c in range(depth):
                        a[c] += source[c]


@kernel
def _inside(start, size, before, total):  # type: ignore[no-untyped-def]
    """Elements of a window at ``start`` that lie in ``total`` ones after ``before`` of padding."""
    return max(min(start + size, before + total) - max(start, before), 0)


@kernel
def _average_padded(row, acc, lanes, y, line):  # type: ignore[no-untyped-def]
    """Divide each sum of a row by the number of elements that are no padding."""
    depth, width = row[OFM + F_DEPTH], row[OFM + F_WIDTH]
    rows = _inside(
        y * row[STRIDE_Y], row[KERNEL_H], row[PAD_TOP],
        row[PADDED_H] - row[PAD_TOP] - row[PAD_BOTTOM],
    )  # fmt: skip
    for x in range(width):
        columns = _inside(
            x * row[STRIDE_X], row[KERNEL_W], row[PAD_LEFT],
            row[PADDED_W] - row[PAD_LEFT] - row[PAD_RIGHT],
        )  # fmt: skip
        scale, shift, up, down = average_scale(max(rows * columns, 1), row[ROUNDING])
        scale_uniform(
            acc[x * lanes : (x + 1) * lanes], depth, scale, shift, up, down,
            row[SCALED_ZERO], row[SCALED_LOW], row[SCALED_HIGH], line[x * depth : (x + 1) * depth],
        )  # fmt: skip


@kernel
def pool(memory, row, shram, buffer, scales, acc, line):  # type: ignore[no-untyped-def]
    """Run one pooling operation."""
    fetch_ifm(memory, row, buffer, _LOWEST if row[MODE] == MAXIMUM else 0)
    depth, width = row[OFM + F_DEPTH], row[OFM + F_WIDTH]
    padding = row[PAD_TOP] + row[PAD_LEFT] + row[PAD_BOTTOM] + row[PAD_RIGHT]
    lanes = depth
    if not row[GLOBAL_SCALE]:
        lanes = (depth + LANES - 1) // LANES * LANES
    for y in range(row[OFM + F_HEIGHT]):
        _pool_row(row, buffer, acc, lanes, y)
        if not row[GLOBAL_SCALE]:
            scale_channels(
                acc,
                width,
                depth,
                lanes,
                scales,
                row[SCALED_ZERO],
                row[SCALED_LOW],
                row[SCALED_HIGH],
                line,
            )
        elif row[MODE] == AVERAGE and padding:
            _average_padded(row, acc, lanes, y, line)
        else:
            scale_uniform(
                acc, width * depth, row[SCALE], row[SHIFT], row[ROUND_UP], row[ROUND_DOWN],
                row[SCALED_ZERO], row[SCALED_LOW], row[SCALED_HIGH], line,
            )  # fmt: skip
        activate(row, shram, line, width * depth)
        store_row(memory, row, OFM, y, line, depth)
