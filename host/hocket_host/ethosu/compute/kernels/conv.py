# SPDX-License-Identifier: Apache-2.0
"""Convolution and depthwise convolution over the dense input buffer.

Output channels go in blocks of `LANES`. Weights stand in the order in which the MAC loop reads
them: a block's weights for one input element are neighbours. The window is a list of runs, which
are contiguous in the input buffer: a window row, or a window element when the window is dilated.
Runs are padded with zero weights to a multiple of `STEP`, so what is read beyond a run is harmless.
"""

from __future__ import annotations

from .activation import activate
from .compiled import kernel
from .feature_map import fetch_ifm, store_row
from .row import (
    DILATION_X,
    DILATION_Y,
    F_DEPTH,
    F_HEIGHT,
    F_WIDTH,
    IFM,
    KERNEL_H,
    OFM,
    PADDED_W,
    RUN_LENGTH,
    RUNS,
    SCALED_HIGH,
    SCALED_LOW,
    SCALED_ZERO,
    STRIDE_X,
    STRIDE_Y,
)
from .scaling import scale_channels

LANES = 16
STEP = 4
TAPS = 3


@kernel
def _multiply_run(acc, x, w, length):  # type: ignore[no-untyped-def]
    """Add ``length`` inputs times their weights to `LANES` accumulators."""
    pairs = length // 8
    for k in range(pairs):
        v = x[k * 8 : k * 8 + 8]
        u = w[k * 128 : k * 128 + 128]
        x0, x1, x2, x3 = v[0], v[1], v[2], v[3]
        x4, x5, x6, x7 = v[4], v[5], v[6], v[7]
        for j in range(16):
            acc[j] += (
                x0 * u[j]
                + x1 * u[j + 16]
                + x2 * u[j + 32]
                + x3 * u[j + 48]
                + x4 * u[j + 64]
                + x5 * u[j + 80]
                + x6 * u[j + 96]
                + x7 * u[j + 112]
            )
    if length & 4:
        v = x[pairs * 8 : pairs * 8 + 4]
        u = w[pairs * 128 : pairs * 128 + 64]
        x0, x1, x2, x3 = v[0], v[1], v[2], v[3]
        for j in range(16):
            acc[j] += x0 * u[j] + x1 * u[j + 16] + x2 * u[j + 32] + x3 * u[j + 48]


@kernel
def _convolve_row(row, buffer, weights, acc, y):  # type: ignore[no-untyped-def]
    """Accumulate one OFM row."""
    depth, out_depth, width = row[IFM + F_DEPTH], row[OFM + F_DEPTH], row[OFM + F_WIDTH]
    blocks = (out_depth + LANES - 1) // LANES
    runs, length = row[RUNS], row[RUN_LENGTH]
    per_row = runs // row[KERNEL_H]
    pitch = row[PADDED_W] * depth
    step_y, step_x = row[DILATION_Y] * pitch, row[DILATION_X] * depth
    origin = y * row[STRIDE_Y] * pitch
    size = runs * length * LANES
    for b in range(blocks):
        block = weights[b * size : (b + 1) * size]
        for x in range(width):
            at = (x * blocks + b) * LANES
            a = acc[at : at + LANES]
            for j in range(LANES):
                a[j] = 0
            start = origin + x * row[STRIDE_X] * depth
            for r in range(runs):
                place = start + (r // per_row) * step_y + (r % per_row) * step_x
                w = block[r * length * LANES : (r + 1) * length * LANES]
                _multiply_run(a, buffer[place : place + length], w, length)


@kernel
def _depthwise_row(row, buffer, weights, taps, acc, y):  # type: ignore[no-untyped-def]
    """Accumulate one OFM row; ``taps`` holds the offset of each window element."""
    depth, width = row[OFM + F_DEPTH], row[OFM + F_WIDTH]
    blocks = (depth + LANES - 1) // LANES
    count = row[RUN_LENGTH]
    origin = y * row[STRIDE_Y] * row[PADDED_W] * depth
    for x in range(width):
        start = origin + x * row[STRIDE_X] * depth
        for b in range(blocks):
            at = (x * blocks + b) * LANES
            a = acc[at : at + LANES]
            for j in range(LANES):
                a[j] = 0
            first = start + b * LANES
            for t in range(0, count, TAPS):
                p0, p1, p2 = first + taps[t], first + taps[t + 1], first + taps[t + 2]
                x0 = buffer[p0 : p0 + LANES]
                x1 = buffer[p1 : p1 + LANES]
                x2 = buffer[p2 : p2 + LANES]
                place = (b * count + t) * LANES
                w = weights[place : place + TAPS * LANES]
                for j in range(16):
                    a[j] += x0[j] * w[j] + x1[j] * w[j + 16] + x2[j] * w[j + 32]


@kernel
def convolve(memory, row, shram, buffer, weights, scales, taps, acc, line):  # type: ignore[no-untyped-def]
    """Run one convolution; depthwise when ``taps`` is not empty."""
    fetch_ifm(memory, row, buffer, 0)
    depth, width = row[OFM + F_DEPTH], row[OFM + F_WIDTH]
    lanes = (depth + LANES - 1) // LANES * LANES
    for y in range(row[OFM + F_HEIGHT]):
        if len(taps):
            _depthwise_row(row, buffer, weights, taps, acc, y)
        else:
            _convolve_row(row, buffer, weights, acc, y)
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
        activate(row, shram, line, width * depth)
        store_row(memory, row, OFM, y, line, depth)
