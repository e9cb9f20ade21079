# SPDX-License-Identifier: Apache-2.0
"""SOFTMAX of int8 and int16."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..container.device import Words, words
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import (
    TYPES,
    PackedOperator,
    element_bytes,
    factor,
    packed,
    per_tensor,
    quantise_multiplier,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.softmax")
_STATE_BYTES = 4 * Words("ops.softmax", "the state").size
_MOST = 96
_INTEGER_BITS = 5
_MAX = (1 << 31) - 1

#: exp(-2**k) as fractions of 2**31, for k of -2 .. 4.
_POWERS = tuple(math.floor(math.exp(-(2.0**k)) * (1 << 31) + 0.5) for k in range(-2, 5))


def _high(a: int, b: int) -> int:
    return (a * b + (1 << 30)) >> 31


def _by_power(x: int, right: int) -> int:
    """Divided by a power of two, halves away from zero."""
    away = abs(x) + (1 << right >> 1) >> right
    return away if x >= 0 else -away


def _exp_of_last_quarter(a: int) -> int:
    """exp(a) for -1/4 <= a < 0: four terms around -1/8, all as fractions of 2**31."""
    around = math.floor(math.exp(-1 / 8) * (1 << 31) + 0.5)
    third = (1 << 31) // 3 + 1
    x = a + (1 << 28)
    x2 = _high(x, x)
    x3 = _high(x2, x)
    x4_over_4 = _by_power(_high(x2, x2), 2)
    rest = _by_power(_high(x4_over_4 + x3, third) + x2, 1)
    return min(around + _high(around, x + rest), _MAX)


def exp_on_negative(a: int) -> int:
    """Exp of a value of 5 integer bits at most 0, as a fraction of 2**31, as gemmlowp has it."""
    if a == 0:
        return _MAX
    bits = 31 - _INTEGER_BITS
    quarter = 1 << (bits - 2)
    in_last = (a & (quarter - 1)) - quarter
    result = _exp_of_last_quarter(in_last << _INTEGER_BITS)
    remainder = in_last - a
    for place, power in enumerate(_POWERS):
        if remainder >> (bits - 2 + place) & 1:
            result = _high(result, power)
    return result


def _exponentials(scale: float, beta: float) -> list[tuple[int, int]]:
    """(exponential, share of a sum of 12 integer bits) of each difference to the greatest."""
    real = min(beta * scale * (1 << (31 - _INTEGER_BITS)), float(_MAX))
    multiplier, shift = quantise_multiplier(real)
    radius = math.floor(
        float((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / (1 << shift)
    )
    found = []
    for difference in range(min(radius, 255) + 1):
        value = exp_on_negative(_high(-difference << shift, multiplier))
        found.append((value, _by_power(value, 12)))
    return found


def _interpolation_table(
    low: float, high: float, function: Callable[[np.float32], np.float32]
) -> bytes:
    """513 points of a function over 65536 inputs, corrected for the error half way between."""
    f = np.float32

    def rounded(value: np.float32) -> np.float32:
        return f(math.copysign(math.floor(abs(float(value)) + 0.5), float(value)))

    step = f(f(f(high) - f(low)) / f(512))
    half = f(step / f(2))
    output_scale = f(2.0) / f(65535)
    least, greatest = f(output_scale * f(-32768)), f(output_scale * f(32767))
    inverse = f(f(65536) / f(greatest - least))
    values = []
    for i in range(512):
        at = f(f(low) + f(f(i) * step))
        value = f(function(at) * inverse)
        middle = rounded(f(function(f(at + half)) * inverse))
        following = f(function(f(f(low) + f(f(i + 1) * step))) * inverse)
        guessed = rounded(f(f(following + rounded(value)) / f(2)))
        bias = rounded(f(f(guessed - middle) / f(2)))
        values.append(min(max(float(rounded(value) - bias), -32768.0), 32767.0))
    values.append(min(max(float(rounded(f(function(f(high)) * inverse))), -32768.0), 32767.0))
    return np.array([*values, 0.0]).astype(np.int16).tobytes()


def _exp(value: np.float32) -> np.float32:
    # The reference's float function rounds its result once.
    return np.float32(math.exp(float(value)))


def _reciprocal(value: np.float32) -> np.float32:
    return np.float32(1) / (np.float32(1) + value)


def _wide_tables() -> bytes:
    f = np.float32
    tenth = f(10.0) / f(65535)
    unit = f(1.0) / f(65535)
    exponential = _interpolation_table(float(tenth * f(-65535)), 0.0, _exp)
    reciprocal = _interpolation_table(0.0, float(unit * f(65535)), _reciprocal)
    return exponential + reciprocal


class Softmax(Operator):
    """Along the last axis."""

    kinds = ("SOFTMAX",)
    primitives = ("table",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8 to int8 or int16, and int16 to int16."""
        given, result = source.input(0), source.outputs[0]
        if (given.dtype, result.dtype) not in (
            ("int8", "int8"),
            ("int8", "int16"),
            ("int16", "int16"),
        ):
            return f"{given.dtype} to {result.dtype}"
        if given.shape[-1] > 4095:
            return "more than 4095 elements a row, whose sum may pass 32 bits"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Tables of exponentials."""
        given, result = source.input(0), source.outputs[0]
        depth = given.shape[-1]
        rows = given.elements // depth
        scale, beta = per_tensor(given)[0], float(source.option("beta", 1.0))
        narrow = given.dtype == "int8"
        units = ("greatest8", "sum8", "result8") if narrow else ("greatest16", "sum16", "result16")
        passes = [work("softmax", **{unit: 1}) for unit in units]
        # Once a row: the reciprocal of its sum; of int16 in each part of the results.
        row = work("softmax", **{"reciprocal8" if narrow else "reciprocal16": 1})
        fixed = (
            (work("softmax"), row, work("softmax"))
            if narrow
            else (work("softmax"), work("softmax"), row)
        )
        fits = [chunk_of(item, _MOST, once) for item, once in zip(passes, fixed, strict=True)]
        most = min(_MOST, depth, *fits)
        parts = -(-depth // most)
        if narrow:
            table = _exponentials(scale, beta)
            entries, differences = len(table), b"\0" * 12
            body = words(*(value for pair in table for value in pair))
        else:
            entries, body = 0, _wide_tables()
            differences = factor(*quantise_multiplier(scale * beta / (10.0 / 65535.0)))
        header = _PARAMETERS.pack(
            rows=rows, chunk=1, depth=depth, most=most, type=TYPES[given.dtype],
            width=element_bytes(result), entries=entries, scale=differences,
        )  # fmt: skip
        return packed(
            "softmax",
            primitive,
            header + body,
            inputs=(given,),
            outputs=(result,),
            scratch_bytes=_STATE_BYTES + 4 * most,
            spent=spent(
                rows * 3 * parts,
                work("softmax"),
                ((passes[0] + passes[1] + passes[2]) * depth + row * (1 if narrow else parts))
                * rows,
                [(p * most + once, parts) for p, once in zip(passes, fixed, strict=True)],
            ),
        )


register(Softmax())
