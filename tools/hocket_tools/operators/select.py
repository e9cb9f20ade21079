# SPDX-License-Identifier: Apache-2.0
"""SELECT_V2: one of two operands by a condition."""

from __future__ import annotations

from .packing import MODULES, Packed, chunk_of, element_bytes, loading, step_cost, words
from .registry import Operator, register
from .source import SourceOperator

_ITEM_CYCLES = 140
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

    def pack(self, source: SourceOperator, primitive: str) -> Packed | None:
        """Loadings of all three."""
        tensors = [source.input(i) for i in range(3)]
        result = source.outputs[0]
        chunk = chunk_of(_ITEM_CYCLES, min(_MOST, result.elements))
        header = words(result.elements, chunk, element_bytes(result), 0)
        return Packed(
            code=MODULES.index("select"),
            primitive=primitive,
            params=header + b"".join(loading(t, result.shape) for t in tensors),
            inputs=tuple(t.index for t in tensors),
            outputs=(result.index,),
            scratch_bytes=12 * chunk,
            steps=-(-result.elements // chunk),
            step_cycles=step_cost(chunk, _ITEM_CYCLES),
        )


register(Select())
