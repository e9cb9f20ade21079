# SPDX-License-Identifier: Apache-2.0
"""The fixed-point core against the same arithmetic in integers without limit."""

from __future__ import annotations

import struct

from hypothesis import example, given
from hypothesis import strategies as st


def rounded(x: int, multiplier: int, left: int, right: int) -> int:
    product = (x << left) * multiplier
    high = (product + (1 << 30)) >> 31
    away = abs(high) + ((1 << right) >> 1) >> right
    return away if high >= 0 else -away


words = st.integers(-(1 << 31), (1 << 31) - 1)
multipliers = st.integers(1 << 30, (1 << 31) - 1)


@given(words, multipliers, st.integers(0, 31))
@example(-(1 << 31), (1 << 31) - 1, 0)
@example((1 << 31) - 1, (1 << 31) - 1, 0)
@example(-(1 << 31), 1 << 30, 31)
@example(-1, 1 << 30, 0)
@example(1, 1 << 30, 0)
@example(-3, 1 << 30, 1)
@example(0xFFFF, 0x7FFFFFFF, 0)
@example(-0x10000, 0x40000001, 0)
def test_scale_equals_two_roundings(x: int, multiplier: int, right: int) -> None:
    from hocket.ops import fixed

    buffer = bytearray(struct.pack("<i", x))
    fixed.scale(struct.pack("<III", multiplier, 0, right), 0, buffer, 1)
    assert struct.unpack("<i", buffer)[0] == rounded(x, multiplier, 0, right)


@given(st.integers(-(1 << 23), (1 << 23) - 1), multipliers, st.integers(1, 8))
def test_scale_shifts_left_first(x: int, multiplier: int, left: int) -> None:
    from hocket.ops import fixed

    buffer = bytearray(struct.pack("<i", x))
    fixed.scale(struct.pack("<III", multiplier, left, 0), 0, buffer, 1)
    assert struct.unpack("<i", buffer)[0] == rounded(x, multiplier, left, 0)


@given(st.integers(-(1 << 46), (1 << 46) - 1), st.integers(1 << 14, 0x7FFF), st.integers(8, 46))
def test_finish_of_a_wide_accumulator_rounds_once(x: int, multiplier: int, shift: int) -> None:
    from hocket.ops import fixed

    exact = (x * multiplier + (1 << (shift - 1))) >> shift
    if not -(1 << 30) < exact < 1 << 30:
        return
    acc = struct.pack("<Ii", x & 0xFFFF, x >> 16)
    params = struct.pack("<iiIIIIIII", 0, -32768, 32767, 2, 1, 1, multiplier, 0, shift - 1)
    out = bytearray(2)
    fixed.finish(params, 0, acc, out, 0, 1)
    assert struct.unpack("<h", out)[0] == max(-32768, min(32767, exact))


@given(words, multipliers, st.integers(0, 31), st.integers(-128, 127))
def test_finish_clamps_around_the_zero_point(
    x: int, multiplier: int, right: int, zero: int
) -> None:
    from hocket.ops import fixed

    exact = rounded(x, multiplier, 0, right) + zero
    if not -(1 << 31) <= exact < 1 << 31:
        return
    params = struct.pack("<iiiIIIIII", zero, -100, 90, 1, 1, 0, multiplier, 0, right)
    out = bytearray(1)
    fixed.finish(params, 0, bytearray(struct.pack("<i", x)), out, 0, 1)
    assert struct.unpack("<b", out)[0] == max(-100, min(90, exact))
