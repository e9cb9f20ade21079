# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED."""

from __future__ import annotations

import numpy as np

from ..tflite.operators import SourceOperator, constant
from .costs import spent
from .packing import PackedOperator, packed, per_tensor
from .products import (
    biases,
    channel_scaling,
    products,
    rows,
    sums_are_wide,
    weight_scales,
    weights_reason,
)
from .registry import Operator, register


class FullyConnected(Operator):
    """A product with constant weights, each output a dot product along a row."""

    kinds = ("FULLY_CONNECTED",)
    primitives = ("rows",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8, or int16 with int8 weights."""
        if source.option("weightsFormat", 0):
            return "shuffled weights"
        return weights_reason(source, 0, 1, 2)

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
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
        plan = rows("dense", result.elements, channels, depth, narrow=narrow, wide=wide)
        params = products(
            plan, result.elements, channels, depth, packed_biases, dtype=given.dtype, wide=wide
        )
        scales = weight_scales(weights, channels)
        return packed(
            "dense",
            primitive,
            params + channel_scaling(source, given, scales, wide),
            inputs=(given, weights),
            outputs=(result,),
            scratch_bytes=(8 if wide else 4) * plan.most,
            spent=spent(plan.steps, plan.longest, plan.total),
        )


register(FullyConnected())
