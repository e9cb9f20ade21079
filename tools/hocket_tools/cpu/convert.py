# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE, DEQUANTIZE, CAST and RELU where a table of 256 entries does not serve."""

from __future__ import annotations

import math

import numpy as np

from ..container.device import Words, constants, words
from ..tflite.model import TfliteTensor
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import (
    PackedOperator,
    element_bytes,
    limits,
    loading,
    packed,
    per_tensor,
    quantise_multiplier,
    scaling,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.convert")
_FLOAT_SCALE = Words("ops.convert", "the scale of floats")
#: The device's name of a kind is that of its costs.
_CODES = constants("ops.convert")
_RESCALE, _CAST, _TO_FLOAT, _FROM_FLOAT, _DIVIDE_FLOAT = (
    "rescale", "cast", "to_float", "from_float", "divide_float",
)  # fmt: skip
_MOST = 128
_PAIRS = {
    "QUANTIZE": {
        ("int16", "int8"): _RESCALE, ("int16", "int16"): _RESCALE, ("int16", "int32"): _RESCALE,
        ("int32", "int8"): _RESCALE, ("int32", "int16"): _RESCALE, ("float32", "int8"): _FROM_FLOAT,
        ("float32", "int16"): _DIVIDE_FLOAT,
    },
    "DEQUANTIZE": {("int16", "float32"): _TO_FLOAT},
    "CAST": {
        ("int16", "float32"): _TO_FLOAT,
        **{(a, b): _CAST for a in ("int16", "int32") for b in ("int8", "int16", "int32")},
    },
    "RELU": {("int16", "int16"): _RESCALE},
    "RELU6": {("int16", "int16"): _RESCALE},
}  # fmt: skip


def ordered_bits(values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[int]:
    """Bits of float32 values as integers in the order of the values."""
    bits = values.view(np.int32).astype(np.int64)
    return [int(b) if b >= 0 else int(b) ^ 0x7FFFFFFF for b in bits]


def _from_order(order: int) -> np.float32:
    bits = order if order >= 0 else order ^ 0x7FFFFFFF
    return np.float32(np.array([bits], np.int32).view(np.float32)[0])


def quantised(value: np.float32, scale: float, zero: int) -> int:
    """One float32 as TFLite's ``AffineQuantize`` has it, before the clamp, without overflow."""
    quotient = float(value / np.float32(scale))
    return int(math.copysign(math.floor(abs(quotient) + 0.5), quotient)) + zero


def thresholds(scale: float, zero: int) -> list[int]:
    """For each int8 result above the least, the order of the least float32 that gives it."""
    least, greatest = ordered_bits(np.array([-np.finfo(np.float32).max, np.finfo(np.float32).max]
                                            ).astype(np.float32))  # fmt: skip
    found = []
    low_start = least
    for result in range(-127, 128):
        low, high = low_start, greatest + 1
        while low < high:
            middle = (low + high) // 2
            with np.errstate(over="ignore"):
                quotient = _from_order(middle) / np.float32(scale)
            reached = (
                quotient > 0
                if not np.isfinite(quotient)
                else quantised(_from_order(middle), scale, zero) >= result
            )
            if reached:
                high = middle
            else:
                low = middle + 1
        found.append(low)
        low_start = low
    return found


def _float_scale(scale: float) -> tuple[int, int] | None:
    """(mantissa of 24 bits, exponent of its last bit plus 150), or None when results may not be."""
    fraction, exponent = math.frexp(float(np.float32(scale)))
    mantissa = int(fraction * (1 << 24))
    biased = exponent - 24 + 150
    return (mantissa, biased) if 1 <= biased <= 230 else None


class Convert(Operator):
    """Elements of more than 8 bits in another type or scale."""

    kinds = tuple(_PAIRS)
    primitives = ("arithmetic",)

    def supports(self, source: SourceOperator) -> str | None:
        """Pairs of types that tflite_micro converts."""
        given, result = source.input(0), source.outputs[0]
        if (given.dtype, result.dtype) not in _PAIRS[source.kind]:
            return f"{given.dtype} to {result.dtype}"
        for other, scale in ((result, per_tensor(given)[0]), (given, per_tensor(result)[0])):
            if other.dtype == "float32" and _float_scale(scale) is None:
                return f"a scale of {scale}"
        if given.quantization is not None and len(given.quantization.scales) > 1:
            return "a scale a channel"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """By the kind of conversion."""
        given, result = source.input(0), source.outputs[0]
        kind = _PAIRS[source.kind][given.dtype, result.dtype]
        item = work("convert", **{kind: 1})
        chunk = chunk_of(item, min(_MOST, max(given.elements, 1)))
        header = _PARAMETERS.pack(
            count=given.elements, chunk=chunk, kind=_CODES[kind.upper()],
            width=element_bytes(result),
        )  # fmt: skip
        return packed(
            "convert",
            primitive,
            header + _body(source, kind, given, result),
            inputs=(given,),
            outputs=(result,),
            scratch_bytes=4 * chunk if kind in (_RESCALE, _CAST) else 0,
            spent=spent(-(-given.elements // chunk), item * chunk, item * given.elements),
        )


def _body(source: SourceOperator, kind: str, given: TfliteTensor, result: TfliteTensor) -> bytes:
    scale, zero = (1.0, 0) if source.kind == "CAST" else per_tensor(given)
    if kind in (_TO_FLOAT, _DIVIDE_FLOAT):
        if kind == _DIVIDE_FLOAT:
            scale, zero = per_tensor(result)
        mantissa, exponent = _float_scale(scale) or (0, 0)
        return _FLOAT_SCALE.pack(mantissa=mantissa, exponent=exponent, zero=zero)
    if kind == _FROM_FLOAT:
        return words(0, *thresholds(*per_tensor(result)))
    if kind == _CAST:
        return loading(given, given.shape)
    to_scale, to_zero = per_tensor(result)
    low, high = limits(result.dtype)
    factor = scale / to_scale
    if source.kind != "QUANTIZE":
        low = max(low, to_zero)
        if source.kind == "RELU6":
            # It clips only, by the scale of its input.
            factor = 1.0
            six = zero + math.floor(float(np.float32(6) / np.float32(scale)) + 0.5)
            low, high = zero, min(high, six)
    return loading(given, given.shape, offset=-zero) + scaling(
        [quantise_multiplier(factor)],
        zero=to_zero,
        low=low,
        high=high,
        width=element_bytes(result),
    )


register(Convert())
