# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators on two operands: sums, products, extremes, comparisons."""

from __future__ import annotations

from ..container.device import Words, constants
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import (
    PackedOperator,
    activation_limits,
    element_bytes,
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

_PARAMETERS = Words("ops.binary")
#: The device has the names of the schema.
_CODES = constants("ops.binary")
_COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")
_LOGICAL = ("LOGICAL_AND", "LOGICAL_OR")
_TYPES = {
    "ADD": ("int8", "int16", "int32"), "SUB": ("int8", "int16", "int32"),
    "MUL": ("int8", "int16", "int32"), "MAXIMUM": ("int8", "int16", "int32"),
    "MINIMUM": ("int8", "int16", "int32"), "SQUARED_DIFFERENCE": ("int8", "int16", "int32"),
    **dict.fromkeys(_COMPARISONS, ("int8", "int32", "bool")),
    **dict.fromkeys(_LOGICAL, ("bool",)),
}  # fmt: skip
_MOST = 64
#: A broadcast row of fewer elements is counted with each of them.
_SHORT = 16

_NONE = (0, 0, 0)
#: Which of the operands is scaled, or that the result is.
_FLAGS = tuple(_CODES[f"SCALE_{what}"] for what in ("LEFT", "RIGHT", "RESULT"))


class Binary(Operator):
    """Two operands of one type, with broadcast."""

    kinds = tuple(_TYPES)

    def supports(self, source: SourceOperator) -> str | None:
        """Types that tflite_micro computes; at most five axes where it broadcasts."""
        left, right = source.input(0), source.input(1)
        if left.dtype != right.dtype:
            return f"operands of {left.dtype} and {right.dtype}"
        if left.dtype not in _TYPES[source.kind]:
            return f"operands of {left.dtype}"
        if left.dtype == "bool" and source.kind in _COMPARISONS[2:]:
            return "an order of bool"
        if len(source.outputs[0].shape) > 5 and left.shape != right.shape:
            return "a broadcast of more than five axes"
        if source.kind == "SQUARED_DIFFERENCE" and left.dtype == "int16":
            return "operands of int16"
        fused = source.option("fusedActivationFunction", 0)
        if fused not in (0, 1, 2, 3):
            return "a fused activation that is not a clamp"
        if fused and left.dtype == "int32":
            return "a fused activation on int32"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Loadings and scalings of the operands, and the scaling of the result."""
        left, right, result = source.input(0), source.input(1), source.outputs[0]
        quantised = left.dtype in ("int8", "int16") and source.kind not in ("MAXIMUM", "MINIMUM")
        shift, rows, final = _multipliers(source) if quantised else (0, (None, None), None)
        flags = sum(
            flag for flag, row in zip(_FLAGS, (*rows, final), strict=True) if row is not None
        )
        factors = [_NONE if row is None else factor(*row) for row in rows]
        loadings = [
            loading(t, result.shape, offset=-per_tensor(t)[1] if quantised else 0, shift=shift)
            for t in (left, right)
        ]
        fused = source.option("fusedActivationFunction", 0)
        low, high = (
            activation_limits(fused, result) if quantised and final else limits(result.dtype)
        )
        ends = scaling(
            [final or (0, 0)],
            zero=per_tensor(result)[1] if final else 0,
            low=low,
            high=high,
            width=element_bytes(result),
        )
        scaled = sum(row is not None for row in rows)
        item = work("binary", load=2, scale=scaled, **{"result" if final else "plain": 1})
        short = [row_length(tensor, result.shape) for tensor in (left, right)]
        item += work("binary", row=sum(0 < n < _SHORT for n in short))
        fixed = work("binary", row=sum(2 + _MOST // n for n in short if n >= _SHORT))
        chunk = chunk_of(item, min(_MOST, max(result.elements, 1)), fixed)
        header = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, kind=_CODES[source.kind], flags=flags,
            unused=(0,) * _PARAMETERS.width("unused"), left=loadings[0], left_factor=factors[0],
            right=loadings[1], right_factor=factors[1],
        )  # fmt: skip
        steps = -(-result.elements // chunk)
        return packed(
            "binary",
            primitive,
            header + ends,
            inputs=(left, right),
            outputs=(result,),
            scratch_bytes=8 * chunk,
            spent=spent(steps, item * chunk + fixed, item * result.elements + fixed * steps),
        )


_Row = tuple[int, int]


def _multipliers(
    source: SourceOperator,
) -> tuple[int, tuple[_Row | None, _Row | None], _Row | None]:
    """Left shift of the operands, their multipliers, and the result's, as each Prepare does."""
    left, right, result = source.input(0), source.input(1), source.outputs[0]
    a, b, c = (per_tensor(t)[0] for t in (left, right, result))
    if source.kind == "MUL":
        return 0, (None, None), quantise_multiplier(a * b / c)
    if source.kind in _COMPARISONS:
        return 8, (quantise_multiplier(a), quantise_multiplier(b)), None
    wide = result.dtype == "int16"
    if source.kind == "SQUARED_DIFFERENCE":
        shift = 0 if wide else 7
        twice = 2 * max(a, b)
        final = twice * twice / ((1 << shift * 2) * c)
        return (
            shift,
            (quantise_multiplier(a / twice), quantise_multiplier(b / twice)),
            (quantise_multiplier(final)),
        )
    shift = 15 if wide else 20
    twice = 2 * max(a, b)
    return (
        shift,
        (quantise_multiplier(a / twice), quantise_multiplier(b / twice)),
        (quantise_multiplier(twice / ((1 << shift) * c))),
    )


register(Binary())
