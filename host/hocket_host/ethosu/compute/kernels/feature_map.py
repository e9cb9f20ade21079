# SPDX-License-Identifier: Apache-2.0
"""Feature-map addressing: from memory into the input buffer, and from a line to memory.

The input buffer is dense, zero point subtracted, padding and enlargement applied, so that no kernel
below it sees tiles, strides or formats. Addresses follow `operation.FeatureMap.address`.
"""

from __future__ import annotations

import numpy as np

from .compiled import kernel
from .row import (
    F_BASE0,
    F_BYTES,
    F_DEPTH,
    F_HEIGHT,
    F_HEIGHT0,
    F_HEIGHT1,
    F_NHCWB16,
    F_SIGNED,
    F_STRIDE_C,
    F_STRIDE_X,
    F_STRIDE_Y,
    F_WIDTH,
    F_WIDTH0,
    F_ZERO_POINT,
    IFM,
    PAD_BOTTOM,
    PAD_LEFT,
    PAD_RIGHT,
    PAD_TOP,
    PADDED_H,
    PADDED_W,
    UPSCALE,
)

NEAREST, TRANSPOSE = 1, 2
_BRICK = 16


@kernel
def read_run(memory, address, count, size, signed, zero, out, at):  # type: ignore[no-untyped-def]
    """Read ``count`` consecutive elements, less the zero point."""
    into = out[at : at + count]
    raw = memory[address : address + count * size]
    if size == 1:
        if signed:
            source = raw.view(np.int8)
            for i in range(count):
                into[i] = source[i] - zero
        else:
            for i in range(count):
                into[i] = np.int64(raw[i]) - zero
    elif size == 2:
        if signed:
            source16 = raw.view(np.int16)
            for i in range(count):
                into[i] = source16[i] - zero
        else:
            source_u16 = raw.view(np.uint16)
            for i in range(count):
                into[i] = np.int64(source_u16[i]) - zero
    else:
        source32 = raw.view(np.int32)
        for i in range(count):
            into[i] = source32[i] - zero


@kernel
def tile_row(row, fm, y, right):  # type: ignore[no-untyped-def]
    """Address of the first element of row ``y`` in the left or right tile."""
    first = row[fm + F_HEIGHT1] if right else row[fm + F_HEIGHT0]
    tile = 1 if right else 0
    if y >= first:
        tile += 2
        y -= first
    return row[fm + F_BASE0 + tile] + y * row[fm + F_STRIDE_Y]


@kernel
def read_pixel(memory, row, fm, address, out, at):  # type: ignore[no-untyped-def]
    """Read all channels of one pixel."""
    depth, size = row[fm + F_DEPTH], row[fm + F_BYTES]
    signed, zero = row[fm + F_SIGNED], row[fm + F_ZERO_POINT]
    if row[fm + F_NHCWB16]:
        for c in range(0, depth, _BRICK):
            read_run(
                memory, address, min(_BRICK, depth - c), size, signed, zero, out, at + c
            )  # fmt: skip
            address += row[fm + F_STRIDE_C]
    else:
        read_run(memory, address, depth, size, signed, zero, out, at)


@kernel
def _read_row(memory, row, fm, y, out, at, step):  # type: ignore[no-untyped-def]
    """Read row ``y`` of a feature map to pixels ``step`` elements apart."""
    width, depth, size = row[fm + F_WIDTH], row[fm + F_DEPTH], row[fm + F_BYTES]
    left = min(row[fm + F_WIDTH0], width)
    bricks = row[fm + F_NHCWB16]
    stride = _BRICK * size if bricks else row[fm + F_STRIDE_X]
    dense = step == depth and stride == depth * size and (not bricks or depth == _BRICK)
    for right in range(2):
        x0, x1 = (left, width) if right else (0, left)
        if x1 <= x0:
            continue
        address = tile_row(row, fm, y, right)
        if dense:
            read_run(
                memory, address, (x1 - x0) * depth, size,
                row[fm + F_SIGNED], row[fm + F_ZERO_POINT], out, at + x0 * depth,
            )  # fmt: skip
        else:
            for x in range(x0, x1):
                read_pixel(memory, row, fm, address, out, at + x * step)
                address += stride


@kernel
def fetch(memory, row, fm, out, top, left, height, width, bottom, right, upscale, fill):  # type: ignore[no-untyped-def]
    """Fill the input buffer ``out[height][width][depth]`` from a feature map.

    The map stands at ``(top, left)`` and ends before ``(bottom, right)``; ``fill`` goes around it.
    NEAREST repeats every element twice in both directions, TRANSPOSE puts zeros between.
    """
    h, w, depth = row[fm + F_HEIGHT], row[fm + F_WIDTH], row[fm + F_DEPTH]
    pitch = width * depth
    if upscale == 0:
        end = (left + w) * depth
        for y in range(height):
            line = out[y * pitch : (y + 1) * pitch]
            if y < top or y >= top + h:
                for i in range(pitch):
                    line[i] = fill
                continue
            for i in range(left * depth):
                line[i] = fill
            _read_row(memory, row, fm, y - top, line, left * depth, depth)
            for i in range(end, pitch):
                line[i] = fill
        return
    for i in range(height * pitch):
        out[i] = fill
    for y in range(h):
        for repeat in range(2):
            to = top + 2 * y + repeat
            if to >= bottom:
                continue
            line = out[to * pitch : (to + 1) * pitch]
            if upscale == TRANSPOSE:
                for i in range(left * depth, right * depth):
                    line[i] = 0
                if repeat:
                    continue
            last = (right - left - 1) // 2
            _read_upscaled_row(memory, row, fm, y, line, left, min(w - 1, last))
            if upscale == NEAREST:
                for x in range(min(w, (right - left) // 2)):
                    at = (left + 2 * x) * depth
                    for i in range(depth):
                        line[at + depth + i] = line[at + i]


@kernel
def fetch_ifm(memory, row, out, fill):  # type: ignore[no-untyped-def]
    """Fill the input buffer with the IFM, padded with ``fill``."""
    fetch(
        memory, row, IFM, out, row[PAD_TOP], row[PAD_LEFT], row[PADDED_H], row[PADDED_W],
        row[PADDED_H] - row[PAD_BOTTOM], row[PADDED_W] - row[PAD_RIGHT], row[UPSCALE], fill,
    )  # fmt: skip


@kernel
def _read_upscaled_row(memory, row, fm, y, line, left, last):  # type: ignore[no-untyped-def]
    depth = row[fm + F_DEPTH]
    stride = _BRICK * row[fm + F_BYTES] if row[fm + F_NHCWB16] else row[fm + F_STRIDE_X]
    width0 = row[fm + F_WIDTH0]
    for x in range(last + 1):
        right = x >= width0
        address = tile_row(row, fm, y, right) + (x - (width0 if right else 0)) * stride
        read_pixel(memory, row, fm, address, line, (left + 2 * x) * depth)


@kernel
def _write_run(memory, address, count, size, line):  # type: ignore[no-untyped-def]
    raw = memory[address : address + count * size]
    if size == 1:
        for i in range(count):
            raw[i] = line[i]
    elif size == 2:
        into16 = raw.view(np.int16)
        for i in range(count):
            into16[i] = line[i]
    else:
        into32 = raw.view(np.int32)
        for i in range(count):
            into32[i] = line[i]


@kernel
def store_row(memory, row, fm, y, line, step):  # type: ignore[no-untyped-def]
    """Write one row of finished elements, ``step`` apart from pixel to pixel in ``line``."""
    width, depth, size = row[fm + F_WIDTH], row[fm + F_DEPTH], row[fm + F_BYTES]
    left = min(row[fm + F_WIDTH0], width)
    bricks = row[fm + F_NHCWB16]
    stride = _BRICK * size if bricks else row[fm + F_STRIDE_X]
    dense = step == depth and stride == depth * size and (not bricks or depth == _BRICK)
    for right in range(2):
        x0, x1 = (left, width) if right else (0, left)
        if x1 <= x0:
            continue
        address = tile_row(row, fm, y, right)
        if dense:
            _write_run(memory, address, (x1 - x0) * depth, size, line[x0 * depth : x1 * depth])
            continue
        for x in range(x0, x1):
            if bricks:
                for c in range(0, depth, _BRICK):
                    n = min(_BRICK, depth - c)
                    at = x * step + c
                    brick = address + (c // _BRICK) * row[fm + F_STRIDE_C]
                    _write_run(memory, brick, n, size, line[at : at + n])
            else:
                _write_run(memory, address, depth, size, line[x * step : x * step + depth])
            address += stride
