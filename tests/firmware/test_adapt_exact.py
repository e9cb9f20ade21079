# SPDX-License-Identifier: Apache-2.0
"""Frames by a tensor's scale and zero point, against QUANTIZE of tflite_micro and against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from short_words import short_words

from hocket_tools.exactness.builder import ModelBuilder, Quantisation
from hocket_tools.exactness.oracle import Oracle

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
    from hocket.adapt import Adaptor

    target = Target(dtype, len(values), scale, zero_point)
    Adaptor(target, CODES[str(values.dtype)], *of).write(values.tobytes())
    return np.frombuffer(target.raw, dtype)


def quantise(
    values: NDArray[Any], dtype: str, scale: float, zero_point: int, of: Quantisation | None = None
) -> NDArray[Any]:
    builder = ModelBuilder()
    given = builder.input("x", (len(values),), values.dtype, of)
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


@pytest.mark.parametrize("of", [(0.0390625, 0), (1 / 255, 7), (0.5, -9), (2.0, 0)])
@pytest.mark.parametrize(
    ("given_dtype", "dtype"),
    [("int8", "int8"), ("uint8", "int8"), ("int8", "uint8"), ("int16", "int8"), ("int16", "int16"),
     ("int16", "int32"), ("int8", "int16"), ("int8", "int32")],
)  # fmt: skip
@pytest.mark.parametrize("scale", [0.101961, 1 / 255, 1.0])
def test_integers_are_rescaled_as_tflite_does(
    given_dtype: str, dtype: str, of: tuple[float, int], scale: float
) -> None:
    info = np.iinfo(given_dtype)
    source_zero = 0 if given_dtype == "int16" else max(of[1], int(info.min))
    zero_point = {"int8": -5, "uint8": 4}.get(dtype, 0)
    values = np.random.default_rng(3).integers(info.min, info.max + 1, COUNT).astype(given_dtype)
    quantisation = Quantisation.tensor(of[0], source_zero)
    expected = quantise(values, dtype, scale, zero_point, quantisation)
    found = adapt(values, dtype, scale, zero_point, (of[0], source_zero))
    assert (found == expected).all()


def exact(values: NDArray[np.float32], dtype: str, scale: float, zero: int) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        quotient = (values / np.float32(scale)).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient) + zero
    info = np.iinfo(dtype)
    return np.clip(rounded, info.min, info.max).astype(dtype)


@settings(deadline=None)
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


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 65535), min_size=1, max_size=40),
    st.floats(1e-6, 1e3),
    st.sampled_from([("int8", 5), ("uint8", 128), ("int16", -7), ("int32", 0)]),
)
def test_integers_larger_than_a_tensor_saturate(
    numbers: list[int], ratio: float, kind: tuple[str, int]
) -> None:
    values = np.array(numbers, np.uint16)
    with short_words():
        found = adapt(values, kind[0], 1.0, kind[1], (ratio, 0))
    info = np.iinfo(kind[0])
    real = values.astype(np.float64) * np.float32(ratio) + kind[1]
    error = np.abs(found - np.clip(real, info.min, info.max))
    assert (error <= 0.5 + 1e-6 * np.abs(real)).all()
