# SPDX-License-Identifier: Apache-2.0
"""SELECT_V2: one of two operands by a condition."""

from __future__ import annotations

from ..container.device import Words
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import PackedOperator, element_bytes, loading, packed, row_length
from .registry import Operator, register

_PARAMETERS = Words("ops.select")
_MOST = 64


class Select(Operator):
    """A condition and two operands of one type and quantisation, with broadcast."""

    kinds = ("SELECT_V2",)

    def supports(self, source: SourceOperator) -> str | None:
        """Operands of int8, int16 or float32, which are moved as they are."""
        condition, left, right = (source.input(i) for i in range(3))
        if condition.dtype != "bool":
            return f"a condition of {condition.dtype}"
        if left.dtype != right.dtype or left.dtype not in ("int8", "int16", "float32"):
            return f"operands of {left.dtype} and {right.dtype}"
        shapes = {condition.shape, left.shape, right.shape}
        if len(shapes) > 1 and len(source.outputs[0].shape) > 5:
            return "a broadcast of more than five axes"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Loadings of all three."""
        tensors = [source.input(i) for i in range(3)]
        result = source.outputs[0]
        # Rows of a broadcast are counted with each element: they may be as short as one.
        item = work("select", item=1, row=sum(row_length(t, result.shape) > 0 for t in tensors))
        chunk = chunk_of(item, min(_MOST, result.elements))
        condition, left, right = (loading(t, result.shape) for t in tensors)
        header = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, width=element_bytes(result), unused=0,
            condition=condition, left=left, right=right,
        )  # fmt: skip
        return packed(
            "select",
            primitive,
            header,
            inputs=tensors,
            outputs=(result,),
            scratch_bytes=12 * chunk,
            spent=spent(-(-result.elements // chunk), item * chunk, item * result.elements),
        )


register(Select())
