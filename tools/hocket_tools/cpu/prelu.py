# SPDX-License-Identifier: Apache-2.0
"""PRELU."""

from __future__ import annotations

from ..container.device import Words
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import (
    ONE,
    PackedOperator,
    factor,
    limits,
    loading,
    packed,
    per_tensor,
    quantise_multiplier,
    row_length,
    scaling,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.prelu")
_MOST = 64


class Prelu(Operator):
    """Negative elements times a slope, which is broadcast."""

    kinds = ("PRELU",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8, of at most four axes."""
        tensors = (source.input(0), source.input(1), source.outputs[0])
        if {t.dtype for t in tensors} != {"int8"}:
            return f"operands of {tensors[0].dtype} and {tensors[1].dtype}"
        if len(tensors[2].shape) > 4:
            return "more than four axes"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Loadings of both, scalings of elements and of products."""
        given, slopes, result = source.input(0), source.input(1), source.outputs[0]
        (a, zero), (b, slope_zero), (c, to_zero) = (per_tensor(t) for t in (given, slopes, result))
        positive = quantise_multiplier(a / c)
        negative = quantise_multiplier(a * b / c)
        low, high = limits(result.dtype)
        item = work("prelu", item=1, row=row_length(slopes, result.shape) > 0)
        chunk = chunk_of(item, min(_MOST, max(result.elements, 1)))
        params = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, left=loading(given, result.shape, offset=-zero),
            right=loading(slopes, result.shape, offset=-slope_zero),
            positive=factor(*positive), negative=factor(*negative),
        )  # fmt: skip
        params += scaling([ONE], zero=to_zero, low=low, high=high, width=1)
        return packed(
            "prelu",
            primitive,
            params,
            inputs=(given, slopes),
            outputs=(result,),
            scratch_bytes=12 * chunk,
            spent=spent(-(-result.elements // chunk), item * chunk, item * result.elements),
        )


register(Prelu())
