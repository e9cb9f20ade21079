# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations on one or two feature maps, or a feature map and a scalar."""

from __future__ import annotations

import numpy as np

from .activation import activate
from .compiled import kernel
from .feature_map import fetch, store_row
from .row import (
    A_DOWN,
    A_SCALE,
    A_SHIFT,
    A_UP,
    B_DOWN,
    B_SCALE,
    B_SHIFT,
    B_UP,
    F_BYTES,
    F_DEPTH,
    F_HEIGHT,
    F_WIDTH,
    IFM,
    IFM2,
    MODE,
    OFM,
    ROUND_DOWN,
    ROUND_UP,
    ROUNDING,
    SCALAR,
    SCALAR_VALUE,
    SCALE,
    SCALED_HIGH,
    SCALED_LOW,
    SCALED_ZERO,
    SHIFT,
    SWAPPED,
    UPSCALE,
)
from .scaling import rounding_terms, scale_uniform, scaled

MUL, ADD, SUB, MIN, MAX, LRELU, ABS, CLZ, SHR, SHL = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9


@kernel
def _expand(row, small, out, height, width, depth):  # type: ignore[no-untyped-def]
    """Repeat a second operand of size 1 along any axis to the size of the output."""
    h, w, c2 = row[IFM2 + F_HEIGHT], row[IFM2 + F_WIDTH], row[IFM2 + F_DEPTH]
    for y in range(height):
        for x in range(width):
            source = small[((y if h > 1 else 0) * w + (x if w > 1 else 0)) * c2 :]
            into = out[(y * width + x) * depth : (y * width + x + 1) * depth]
            if c2 == 1:
                value = source[0]
                for c in range(depth):
                    into[c] = value
            else:
                for c in range(depth):
                    into[c] = source[c]


@kernel
def _leading_zeros(value):  # type: ignore[no-untyped-def]
    """Leading zeros of a 32-bit pattern."""
    bits = value & 0xFFFF_FFFF
    count = np.int64(32)
    while bits:
        bits >>= 1
        count -= 1
    return count


@kernel
def _shifted(value, shift, rounding):  # type: ignore[no-untyped-def]
    amount = min(max(shift, 0), 62)
    up, down = rounding_terms(amount, rounding, 0)
    return (value + (up if value >= 0 else down)) >> amount


@kernel
def _combine(row, a, b, count, acc):  # type: ignore[no-untyped-def]
    """Compute ``count`` elements up to the output scaling."""
    mode = row[MODE]
    if mode == MUL:
        for i in range(count):
            acc[i] = np.int64(a[i]) * np.int64(b[i])
    elif mode in (ADD, SUB):
        sign = 1 if mode == ADD else -1
        sa, sb = row[A_SCALE], row[B_SCALE] * sign
        if row[A_SHIFT] == 0 and row[B_SHIFT] == 0:
            for i in range(count):
                acc[i] = a[i] * sa + b[i] * sb
        else:
            sb = row[B_SCALE]
            ha, ua, da = row[A_SHIFT], row[A_UP], row[A_DOWN]
            hb, ub, db = row[B_SHIFT], row[B_UP], row[B_DOWN]
            for i in range(count):
                acc[i] = scaled(a[i], sa, ha, ua, da) + sign * scaled(b[i], sb, hb, ub, db)
    elif mode == MIN:
        for i in range(count):
            acc[i] = min(a[i], b[i])
    elif mode == MAX:
        for i in range(count):
            acc[i] = max(a[i], b[i])
    elif mode == ABS:
        for i in range(count):
            acc[i] = abs(np.int64(a[i]))
    elif mode == CLZ:
        for i in range(count):
            acc[i] = _leading_zeros(np.int64(a[i]))
    elif mode == SHR:
        for i in range(count):
            acc[i] = _shifted(np.int64(a[i]), np.int64(b[i]), row[ROUNDING])
    elif mode == SHL:
        for i in range(count):
            amount = min(max(np.int64(b[i]), np.int64(0)), np.int64(31))
            acc[i] = np.int64(a[i]) << amount
    else:
        for i in range(count):
            acc[i] = a[i]


@kernel
def _finish(row, acc, count, line):  # type: ignore[no-untyped-def]
    mode = row[MODE]
    scale = np.int64(1) if mode == MUL and row[IFM + F_BYTES] == 4 else row[SCALE]
    shift, up, down = row[SHIFT], row[ROUND_UP], row[ROUND_DOWN]
    zero, low, high = row[SCALED_ZERO], row[SCALED_LOW], row[SCALED_HIGH]
    if mode == LRELU:
        for i in range(count):
            v = acc[i]
            v = (v if v >= 0 else scaled(v, scale, shift, up, down)) + zero
            line[i] = min(max(v, low), high)
    elif mode in (MUL, ADD, SUB, ABS):
        scale_uniform(acc, count, scale, shift, up, down, zero, low, high, line)
    else:
        for i in range(count):
            line[i] = min(max(acc[i] + zero, low), high)


@kernel
def elementwise(memory, row, shram, first, second, acc, line):  # type: ignore[no-untyped-def]
    """Run one elementwise operation.

    ``second`` has room for the second operand at its own size and at the size of the output.
    """
    height, width, depth = row[OFM + F_HEIGHT], row[OFM + F_WIDTH], row[OFM + F_DEPTH]
    total = height * width * depth
    fetch(memory, row, IFM, first, 0, 0, height, width, height, width, row[UPSCALE], 0)
    other = first
    if row[MODE] in (LRELU, ABS, CLZ):
        pass
    elif row[SCALAR]:
        other = second
        value = row[SCALAR_VALUE]
        for i in range(total):
            other[i] = value
    else:
        h, w, c2 = row[IFM2 + F_HEIGHT], row[IFM2 + F_WIDTH], row[IFM2 + F_DEPTH]
        other = second
        if h * w * c2 == total:
            fetch(memory, row, IFM2, other, 0, 0, h, w, h, w, 0, 0)
        else:
            small = second[total:]
            fetch(memory, row, IFM2, small, 0, 0, h, w, h, w, 0, 0)
            _expand(row, small, other, height, width, depth)
    a, b = (other, first) if row[SWAPPED] else (first, other)
    pitch = width * depth
    for y in range(height):
        here, there = a[y * pitch : (y + 1) * pitch], b[y * pitch : (y + 1) * pitch]
        _combine(row, here, there, pitch, acc)
        _finish(row, acc, pitch, line)
        activate(row, shram, line, pitch)
        store_row(memory, row, OFM, y, line, depth)
