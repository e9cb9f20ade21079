# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

import math

import numpy as np

from .packing import (
    MODULES,
    Packed,
    chunk_of,
    element_bytes,
    per_tensor,
    quantise_multiplier,
    scaling,
    step_cost,
    words,
)
from .products import biases, channel_scaling, sums_are_wide, weight_scales, weights_reason
from .registry import Operator, register
from .source import SourceOperator, constant

_PRODUCT_CYCLES = 20
_OUTPUT_CYCLES = 220
_MATRIX_CYCLES = 30
_MOST = 64
#: Most products of one row in a step.
_PART = 1280


class FullyConnected(Operator):
    """A product with constant weights, each output a dot product along a row."""

    kinds = ("FULLY_CONNECTED",)
    primitives = ("rows",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8, or int16 with int8 weights."""
        if source.option("weightsFormat", 0):
            return "shuffled weights"
        return weights_reason(source, 0, 1, 2)

    def pack(self, source: SourceOperator, primitive: str) -> Packed | None:
        """Biases that hold the zero point's share, and a scaling a channel."""
        given, weights, result = source.input(0), source.input(1), source.outputs[0]
        channels, depth = weights.shape
        narrow = given.dtype == "int8"
        wide = not narrow and sums_are_wide(source)
        values = constant(weights)
        if values is None:
            return None
        sums = values.astype(np.int64).sum(axis=1)
        correction = -(128 + per_tensor(given)[1]) * sums if narrow else None
        packed_biases = biases(source.optional(2), channels, wide=wide, correction=correction)
        parts = -(-depth // _PART)
        item = min(depth, _PART) * _PRODUCT_CYCLES + _OUTPUT_CYCLES
        chunk = chunk_of(item, min(_MOST, result.elements)) if parts == 1 else 1
        bias_at = 10
        scaling_at = bias_at + len(packed_biases) // 4
        header = words(
            result.elements, chunk, 0, scaling_at, bias_at, depth, channels, 0 if narrow else 2,
            int(wide), _PART,
        )  # fmt: skip
        scales = weight_scales(weights, channels)
        return Packed(
            code=MODULES.index("dense"),
            primitive=primitive,
            params=header + packed_biases + channel_scaling(source, given, scales, wide),
            inputs=(given.index, weights.index),
            outputs=(result.index,),
            scratch_bytes=(8 if wide else 4) * chunk,
            steps=-(-result.elements * parts // chunk),
            step_cycles=step_cost(chunk, item),
        )


class BatchMatmul(Operator):
    """A product of two computed matrices."""

    kinds = ("BATCH_MATMUL",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8 or int16; the right operand may be the same for every batch."""
        left, right, result = source.input(0), source.input(1), source.outputs[0]
        if {left.dtype, right.dtype, result.dtype} not in ({"int8"}, {"int16"}):
            return f"operands of {left.dtype} and {right.dtype}"
        batches, other = left.shape[:-2], right.shape[:-2]
        if batches != other and math.prod(other) != 1:
            return "batches that differ"
        if left.dtype == "int16" and left.shape[-1] > 1 << 14:
            return "more than 16384 products of int16"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> Packed | None:
        """Strides of both operands."""
        left, right, result = source.input(0), source.input(1), source.outputs[0]
        wide = left.dtype == "int16"
        rows, columns = result.shape[-2:]
        adjoint_left, adjoint_right = source.option("adjX", False), source.option("adjY", False)
        depth = left.shape[-2] if adjoint_left else left.shape[-1]
        one = math.prod(right.shape[:-2]) == 1
        of_left = (rows * depth, 1, rows) if adjoint_left else (rows * depth, depth, 1)
        batch_right = 0 if one else columns * depth
        of_right = (batch_right, depth, 1) if adjoint_right else (batch_right, 1, columns)
        (a, zero_a), (b, zero_b), (c, zero) = (per_tensor(t) for t in (left, right, result))
        item = depth * _MATRIX_CYCLES * (2 if wide else 1) + _OUTPUT_CYCLES
        chunk = chunk_of(item, min(_MOST, result.elements))
        info = np.iinfo(result.dtype)
        header = words(
            result.elements, chunk, 1, 20, 0, depth, columns, 2 if wide else 0, int(wide), depth,
            columns, rows, *of_left, *of_right, -zero_a, -zero_b,
        )  # fmt: skip
        ends = scaling(
            [quantise_multiplier(float(np.float32(a) * np.float32(b)) / c)],
            zero=zero,
            low=int(info.min),
            high=int(info.max),
            width=element_bytes(result),
            wide=wide,
        )
        return Packed(
            code=MODULES.index("dense"),
            primitive=primitive,
            params=header + ends,
            inputs=(left.index, right.index),
            outputs=(result.index,),
            scratch_bytes=(8 if wide else 4) * chunk,
            steps=-(-result.elements // chunk),
            step_cycles=step_cost(chunk, item),
        )


register(FullyConnected())
register(BatchMatmul())
