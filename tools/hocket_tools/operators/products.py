# SPDX-License-Identifier: Apache-2.0
"""What operators with constant weights share: multipliers, biases and their packing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tflite import TfliteTensor
from .packing import (
    activation_limits,
    element_bytes,
    per_tensor,
    quantise_multiplier,
    scales_of,
    scaling,
    words,
)
from .source import SourceOperator, constant

#: Words before the convolution's own: see ``hocket.ops.dense``.
HEADER_WORDS = 10

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


def sums_are_wide(source: SourceOperator) -> bool:
    """Whether sums of an int16 layer have 64 bits: unless its bias has 32, or would have."""
    bias = source.optional(2)
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
