# SPDX-License-Identifier: Apache-2.0
"""BATCH_MATMUL."""

from __future__ import annotations

import math

import numpy as np

from ..container.device import Words
from ..tflite.operators import SourceOperator
from .costs import STEP_CYCLES, chunk_of, spent, work
from .packing import (
    TYPES,
    PackedOperator,
    element_bytes,
    limits,
    packed,
    per_tensor,
    quantise_multiplier,
    scaling,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.matmul")
_MOST = 64


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

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Strides of both operands."""
        left, right, result = source.input(0), source.input(1), source.outputs[0]
        wide = left.dtype == "int16"
        row_count, columns = result.shape[-2:]
        adjoint_left, adjoint_right = source.option("adjX", False), source.option("adjY", False)
        depth = left.shape[-2] if adjoint_left else left.shape[-1]
        one = math.prod(right.shape[:-2]) == 1
        of_left = (
            (row_count * depth, 1, row_count) if adjoint_left else (row_count * depth, depth, 1)
        )
        batch_right = 0 if one else columns * depth
        of_right = (batch_right, depth, 1) if adjoint_right else (batch_right, 1, columns)
        (a, zero_a), (b, zero_b), (c, zero) = (per_tensor(t) for t in (left, right, result))
        product = work("matmul", **{"product16" if wide else "product8": 1})
        output = work("matmul", output=1)
        ends = output + work("matmul", step=1)
        part = min(depth, max(1, (STEP_CYCLES - ends.cycles) // max(product.cycles, 1)))
        parts = -(-depth // part)
        chunk = 1 if parts > 1 else chunk_of(output + product * depth, min(_MOST, result.elements))
        header = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, scaling=_PARAMETERS.size, depth=depth,
            type=TYPES[left.dtype], columns=columns, rows=row_count, left=of_left, right=of_right,
            left_offset=-zero_a, right_offset=-zero_b, part=part,
        )  # fmt: skip
        low, high = limits(result.dtype)
        ends_scaling = scaling(
            [quantise_multiplier(float(np.float32(a) * np.float32(b)) / c)],
            zero=zero,
            low=low,
            high=high,
            width=element_bytes(result),
            wide=wide,
        )
        return packed(
            "matmul",
            primitive,
            header + ends_scaling,
            inputs=(left, right),
            outputs=(result,),
            scratch_bytes=(8 if wide else 4) * chunk,
            spent=spent(
                -(-result.elements * parts // chunk),
                (output + product * part) * chunk,
                (output * parts + product * depth) * result.elements,
            ),
        )


register(BatchMatmul())
