# SPDX-License-Identifier: Apache-2.0
"""Rounding and activation formulas against independent statements of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.ethosu.compute.kernels.activation import sigmoid16, tanh16
from hocket_host.ethosu.compute.kernels.scaling import (
    DOUBLE,
    NATURAL,
    TRUNCATE,
    average_scale,
    rounding_terms,
    scaled,
)

accumulators = st.integers(-(1 << 31), (1 << 31) - 1)
multipliers = st.integers(1 << 30, (1 << 31) - 1)
shifts = st.integers(1, 62)


def _scaled(value: int, scale: int, shift: int, rounding: int) -> int:
    up, down = rounding_terms(np.int64(shift), rounding, 0)
    return int(scaled(np.int64(value), np.int64(scale), np.int64(shift), up, down))


def _divide_towards_zero(a: int, b: int) -> int:
    return abs(a) // b * (1 if a >= 0 else -1)


def _doubling_high_multiply(a: int, b: int) -> int:
    nudge = (1 << 30) if a * b >= 0 else 1 - (1 << 30)
    return _divide_towards_zero(a * b + nudge, 1 << 31)


def _rounding_shift(value: int, exponent: int) -> int:
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (value < 0)
    return (value >> exponent) + ((value & mask) > threshold)


@given(accumulators, multipliers, st.integers(31, 62))
def test_double_is_a_doubling_high_multiply_and_a_rounding_shift(
    value: int, scale: int, shift: int
) -> None:
    expected = _rounding_shift(_doubling_high_multiply(value, scale), shift - 31)
    assert _scaled(value, scale, shift, DOUBLE) == expected


@given(accumulators, multipliers, shifts)
def test_natural_sends_ties_up(value: int, scale: int, shift: int) -> None:
    expected = (2 * value * scale + (1 << shift)) // (2 << shift)
    assert _scaled(value, scale, shift, NATURAL) == expected


@given(accumulators, multipliers, shifts)
def test_truncate_goes_towards_zero(value: int, scale: int, shift: int) -> None:
    assert _scaled(value, scale, shift, TRUNCATE) == _divide_towards_zero(value * scale, 1 << shift)


@pytest.mark.parametrize("rounding", [DOUBLE, NATURAL, TRUNCATE])
def test_scale_one_without_shift_changes_nothing(rounding: int) -> None:
    assert [_scaled(v, 1, 0, rounding) for v in (-7, 0, 7)] == [-7, 0, 7]


@given(st.integers(1, 4096), st.data())
def test_average_divides_with_ties_away_from_zero(count: int, data: st.DataObject) -> None:
    total = data.draw(st.integers(-128 * count, 127 * count))
    scale, shift, up, down = average_scale(count, NATURAL)
    nearest = (abs(total) + count // 2) // count * (1 if total >= 0 else -1)
    assert int(scaled(np.int64(total), scale, np.int64(shift), up, down)) == nearest


@given(st.integers(-200_000, 200_000))
def test_tanh_is_within_three_steps_of_the_function(x: int) -> None:
    exact = min(32768 * math.tanh(x / 12288), 32767)
    assert abs(int(tanh16(np.int64(x))) - exact) <= 3


@given(st.integers(-200_000, 200_000))
def test_sigmoid_is_within_three_steps_of_the_function(x: int) -> None:
    exact = min(32768 / (1 + math.exp(-x / 12288)), 32767)
    assert abs(int(sigmoid16(np.int64(x))) - exact) <= 3
