# SPDX-License-Identifier: Apache-2.0
"""What operators with constant weights share: multipliers, biases and their packing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..container.device import Words, words
from ..tflite.model import TfliteTensor
from ..tflite.operators import SourceOperator, constant
from .costs import STEP_CYCLES, Work, chunk_of, work
from .packing import (
    TYPES,
    activation_limits,
    element_bytes,
    per_tensor,
    quantise_multiplier,
    scales_of,
    scaling,
)

#: Number of the type in the schema.
_INT32 = 2

#: Biases beyond this do not fit the accumulators of 48 bits with what is added to them.
_WIDE_BIAS = 1 << 46


def weights_reason(
    source: SourceOperator, input_at: int, weights_at: int, bias_at: int
) -> str | None:
    """Why the operands of a layer with weights do not suit, or None."""
    given, weights, bias = (
        source.input(input_at),
        source.input(weights_at),
        source.optional(bias_at),
    )
    result = source.outputs[0]
    if given.dtype not in ("int8", "int16"):
        return f"an input of {given.dtype}"
    if result.dtype != given.dtype:
        return f"an output of {result.dtype} for an input of {given.dtype}"
    if weights.dtype != "int8" or constant(weights) is None:
        return f"weights of {weights.dtype}" if weights.dtype != "int8" else "computed weights"
    if weights.quantization is None or any(weights.quantization.zero_points):
        return "weights with a zero point"
    if bias is not None:
        values = constant(bias)
        if values is None:
            return "a computed bias"
        if bias.dtype not in ("int32", "int64") or (
            given.dtype == "int8" and bias.dtype != "int32"
        ):
            return f"a bias of {bias.dtype}"
        if values.size and np.abs(values.astype(np.int64)).max() >= _WIDE_BIAS:
            return "a bias of more than 46 bits"
    if source.option("fusedActivationFunction", 0) not in (0, 1, 2, 3):
        return "a fused activation that is not a clamp"
    return None


def sums_are_wide(source: SourceOperator, bias_at: int = 2) -> bool:
    """Whether sums of an int16 layer have 64 bits: unless its bias has 32, or would have."""
    bias = source.optional(bias_at)
    if bias is not None:
        return bias.dtype == "int64"
    return bool(source.option("quantizedBiasType", 0) != _INT32)


def channel_scaling(
    source: SourceOperator, given: TfliteTensor, scales: Sequence[float], wide: bool
) -> bytes:
    """Scaling of accumulators that count in input scale times weight scale."""
    result = source.outputs[0]
    low, high = activation_limits(source.option("fusedActivationFunction", 0), result)
    from_scale, to_scale = per_tensor(given)[0], per_tensor(result)[0]
    return scaling(
        [quantise_multiplier(from_scale * s / to_scale) for s in scales],
        zero=per_tensor(result)[1],
        low=low,
        high=high,
        width=element_bytes(result),
        wide=wide,
    )


def weight_scales(weights: TfliteTensor, channels: int) -> tuple[float, ...]:
    """One scale an output channel."""
    return scales_of(weights.quantization, channels)


def biases(
    bias: TfliteTensor | None, channels: int, *, wide: bool, correction: NDArray[Any] | None = None
) -> bytes:
    """Pack a bias a channel: a word, or two with the low 16 bits first.

    Parameters
    ----------
    bias
        int32 or int64; None for zeros.
    channels
        How many.
    wide
        Whether accumulators have 48 bits.
    correction
        int64, added to the biases.
    """
    found = constant(bias)
    values = np.zeros(channels, np.int64) if found is None else found.astype(np.int64).reshape(-1)
    if correction is not None:
        values = values + correction
    if not wide:
        return words(*(int(v) for v in values))
    return words(*(part for v in values for part in (int(v) & 0xFFFF, int(v) >> 16)))


#: Parameters of products of rows: ``hocket.ops.dense``; behind them biases and scaling.
_PRODUCTS = Words("ops.dense")

#: Most outputs of a step, which bounds the accumulators in scratch.
_MOST = 64
_LEAST_PART = 16


@dataclass(frozen=True)
class Rows:
    """How a block of rows of products is cut into steps: see ``hocket.ops.dense.Rows``."""

    most: int
    """Outputs of a step."""
    part: int
    """Products of one output in a step."""
    steps: int
    longest: Work
    total: Work


def rows(module: str, outputs: int, channels: int, depth: int, *, narrow: bool, wide: bool) -> Rows:
    """Cut a block of rows.

    Parameters
    ----------
    module
        Whose costs count.
    outputs
        Of all rows of the block.
    channels
        Outputs of a row.
    depth
        Products of an output.
    narrow
        Inputs of int8, of which four channels are done at once.
    wide
        Accumulators of 48 bits.
    """
    if narrow:
        lanes = 4 if channels >= 4 else 1
        unit = "dense.product4" if lanes == 4 else "dense.product1"
    else:
        lanes, unit = 1, "dense.product48" if wide else "dense.product16"
    one = work(module, **{unit: 1})
    ends = work(module, step=1, output=lanes)
    # A group of so many outputs may hold single ones only, at the end of a row.
    slowest = max(
        _products(module, fours, ones, 1, narrow, unit).cycles
        - work(module, output=4 * fours + ones).cycles
        for fours, ones in _groups(outputs, channels, lanes, narrow)
    )
    part = min(depth, max(_LEAST_PART, (STEP_CYCLES - ends.cycles) // max(slowest, 1)))
    most = lanes
    if part == depth:
        item = work(module, output=lanes) + one * depth
        most *= chunk_of(item, max(1, min(_MOST, outputs) // lanes))
    while True:
        groups = _groups(outputs, channels, most, narrow)
        longest, total = work(module), work(module)
        for (fours, ones), times in groups.items():
            for products in {part, depth % part}:
                how_often = times * (depth // part if products == part else 1)
                if not products or not how_often or not fours + ones:
                    continue
                step = _products(module, fours, ones, products, narrow, unit)
                total += step * how_often
                longest = max(longest, step, key=lambda w: w.cycles)
        if most <= 4 or (work(module, step=1) + longest).cycles <= STEP_CYCLES:
            break
        most -= lanes
    return Rows(most, part, -(-outputs // most) * -(-depth // part), longest, total)


def products(
    plan: Rows, outputs: int, channels: int, depth: int, biases: bytes, *, dtype: str, wide: bool
) -> bytes:
    """Parameters of products of rows that are cut by a plan, with what they hold of biases."""
    head = _PRODUCTS.pack(
        count=outputs, chunk=plan.most, primitive=0,
        scaling=_PRODUCTS.size + len(biases) // 4, bias=_PRODUCTS.size, depth=depth,
        channels=channels, type=TYPES[dtype], wide=int(wide), part=plan.part,
    )  # fmt: skip
    return head + biases


def _products(module: str, fours: int, ones: int, products: int, narrow: bool, unit: str) -> Work:
    outputs = work(module, output=4 * fours + ones)
    if not narrow:
        return outputs + work(module, **{unit: ones * products})
    both = {"dense.product4": fours * products, "dense.product1": ones * products}
    return outputs + work(module, **both)


@lru_cache(maxsize=1024)
def _groups(outputs: int, channels: int, most: int, fourfold: bool) -> dict[tuple[int, int], int]:
    """How many steps do so many fours and single outputs, as ``hocket.ops.dense`` does."""
    found: dict[tuple[int, int], int] = {}
    for start in range(0, outputs, most):
        at, end = start, min(start + most, outputs)
        fours = ones = 0
        while at < end:
            if fourfold and end - at >= 4 and channels - at % channels >= 4:
                fours, at = fours + 1, at + 4
            else:
                ones, at = ones + 1, at + 1
        found[fours, ones] = found.get((fours, ones), 0) + 1
    return found
