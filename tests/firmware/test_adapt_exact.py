# SPDX-License-Identifier: Apache-2.0
"""Frames by a tensor's scale and zero point, against QUANTIZE of tflite_micro and against numpy."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.builder import ModelBuilder, Quantisation
from rigs.short_words import short_words

CODES = {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "float32": "f"}
COUNT = 1500


class Target:
    """What an adaptor asks of a tensor."""

    def __init__(self, dtype: str, count: int, scale: float, zero_point: int) -> None:
        self.name = "x"
        self.dtype = dtype
        self.typecode = CODES[dtype]
        self.scale = float(np.float32(scale))
        self.zero_point = zero_point
        self.raw = memoryview(bytearray(count * np.dtype(dtype).itemsize))

    def __len__(self) -> int:
        return len(self.raw) // np.dtype(self.dtype).itemsize


def adapt(
    values: NDArray[Any], dtype: str, scale: float, zero_point: int, of: tuple[float, int] = (1, 0)
) -> NDArray[Any]:
    from hocket.ops.adapt import Adaptor

    target = Target(dtype, len(values), scale, zero_point)
    Adaptor(target, CODES[str(values.dtype)], *of).write(values.tobytes())
    return np.frombuffer(target.raw, dtype)


def quantise(
    values: NDArray[np.float32], dtype: str, scale: float, zero_point: int
) -> NDArray[Any]:
    """By tflite_micro."""
    builder = ModelBuilder()
    given = builder.input("x", (len(values),), np.float32, None)
    result = builder.output(
        "y", (len(values),), np.dtype(dtype), Quantisation.tensor(scale, zero_point)
    )
    builder.operator("QUANTIZE", [given], [result])
    (found,) = Oracle(builder.finish()).run([values])
    return found


def reals(scale: float, zero_point: int, dtype: str) -> NDArray[np.float32]:
    """Floats over the range of a tensor, on halves and beside them."""
    rng = np.random.default_rng(7)
    low, high = (int(v) - zero_point for v in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    low, high = max(low, -(1 << 20)), min(high, 1 << 20)
    halves = (rng.integers(low, high, COUNT // 3) + 0.5) * scale
    beside = np.nextafter(halves.astype(np.float32), rng.choice([-np.inf, np.inf], COUNT // 3))
    any_ = rng.uniform(low * 1.2, high * 1.2, COUNT // 3) * scale
    return np.concatenate([halves, beside, any_]).astype(np.float32)


SCALES = [1 / 255, 0.5, 0.101961, 3e-5, 700.0]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("dtype", "zero_point"), [("int8", -128), ("int8", 3), ("int16", 0), ("int16", -900)]
)
def test_reals_are_quantised_as_tflite_does(dtype: str, zero_point: int, scale: float) -> None:
    values = reals(scale, zero_point, dtype)
    expected = quantise(values, dtype, scale, zero_point)
    assert (adapt(values, dtype, scale, zero_point) == expected).all()


def real(values: NDArray[Any], of: tuple[float, int]) -> NDArray[np.float32]:
    """What integers stand for."""
    return (np.float64(np.float32(of[0])) * (values.astype(np.int64) - of[1])).astype(np.float32)


@pytest.mark.parametrize("of", [(0.0390625, 0), (1 / 255, 7), (0.5, 9), (2.0, 0)])
@pytest.mark.parametrize("given_dtype", ["int8", "uint8"])
@pytest.mark.parametrize("scale", [0.101961, 1 / 255, 1.0, 0.0217])
def test_integers_are_quantised_as_what_they_stand_for(
    given_dtype: str, of: tuple[float, int], scale: float
) -> None:
    info = np.iinfo(given_dtype)
    values = np.arange(info.min, info.max + 1).astype(given_dtype)
    expected = quantise(real(values, of), "int8", scale, -128)
    assert (adapt(values, "int8", scale, -128, of) == expected).all()


@pytest.mark.parametrize("scale", [0.101961, 0.101716, 0.0923, 0.11])
def test_features_are_quantised_as_what_they_stand_for(scale: float) -> None:
    values = np.arange(1200).astype(np.uint16)
    expected = quantise(real(values, (0.0390625, 0)), "int8", scale, -128)
    assert (adapt(values, "int8", scale, -128, (0.0390625, 0)) == expected).all()


def test_scale_of_256_in_666_gives_the_integers_of_microwakeword_on_a_device() -> None:
    values = np.arange(1200).astype(np.uint16)
    scale = 0.10196078568696976
    found = adapt(values, "int8", scale, -128, (scale * 256 / 666, 0))
    expected = np.clip((values.astype(np.int64) * 256 + 333) // 666 - 128, -128, 127)
    assert (found == expected).all()


@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=40),
    st.integers(0, 65535),
    st.floats(1e-9, 1e4),
    st.floats(1e-2, 1e4),
    st.sampled_from([("int8", 5), ("uint8", 128), ("int16", -7), ("int32", 0)]),
)
@example([0, 1, 2, 3, 65535], 1, 0.5, 1.0, ("int32", 0))
@example([0, 1, 2, 3, 65535], 65535, 0.25, 0.5, ("int32", 0))
@example([0, 65535], 65535, 8191.9, 1.0, ("int32", 0))
@example([0, 65535], 0, 1e-9, 1e4, ("int32", 0))
def test_integers_are_divided_exactly_and_saturate(
    numbers: list[int], zero: int, of: float, scale: float, kind: tuple[str, int]
) -> None:
    ratio = Fraction(float(np.float32(of))) / Fraction(float(np.float32(scale)))
    if ratio >= 1 << 13:
        return
    with short_words():
        found = adapt(np.array(numbers, np.uint16), kind[0], scale, kind[1], (of, zero))
    info = np.iinfo(kind[0])
    for number, got in zip(numbers, found.tolist(), strict=True):
        quotient = (number - zero) * ratio
        away = math.floor(abs(quotient) + Fraction(1, 2))
        expected = int(np.clip((away if quotient >= 0 else -away) + kind[1], info.min, info.max))
        # The ratio has 30 bits, so beside a half the other neighbour may be taken.
        beside = abs(abs(quotient) + Fraction(1, 2) - round(abs(quotient) + Fraction(1, 2)))
        tolerance = abs(quotient) / (1 << 29)
        assert got == expected or (0 < beside <= tolerance and abs(got - expected) == 1)


def exact(values: NDArray[np.float32], dtype: str, scale: float, zero: int) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        quotient = (values / np.float32(scale)).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient) + zero
    info = np.iinfo(dtype)
    return np.clip(rounded, info.min, info.max).astype(dtype)


@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40),
    st.floats(1e-29, 1e29),
    st.sampled_from([("int8", -128), ("uint8", 128), ("int16", 5), ("int32", 0)]),
    st.booleans(),
)
def test_any_float_is_quantised_or_saturated(
    numbers: list[float], scale: float, kind: tuple[str, int], on_a_board: bool
) -> None:
    values = np.array(numbers, np.float32)
    if on_a_board:
        with short_words():
            found = adapt(values, kind[0], scale, kind[1])
    else:
        found = adapt(values, kind[0], scale, kind[1])
    assert (found == exact(values, kind[0], scale, kind[1])).all()


def test_what_is_no_number_counts_as_zero() -> None:
    assert adapt(np.array([np.nan], np.float32), "int8", 0.5, 7).tolist() == [7]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("scale", [1 / 255, 0.1, 1e-20, 3e20])
@pytest.mark.parametrize("zero", ["least", "greatest", "middle"])
def test_integers_are_dequantised_exactly(dtype: str, scale: float, zero: str) -> None:
    info = np.iinfo(dtype)
    zero_point = {"least": info.min, "greatest": info.max, "middle": 77}[zero]
    values = np.unique(np.random.default_rng(5).integers(info.min, info.max + 1, COUNT))
    values = values.astype(dtype)
    product = np.float64(np.float32(scale)) * (values.astype(np.int64) - int(zero_point))
    with short_words():
        found = adapt(values, "float32", 0.0, 0, (scale, int(zero_point)))
    assert (found == product.astype(np.float32)).all()
