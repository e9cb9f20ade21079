# SPDX-License-Identifier: Apache-2.0
"""LOGISTIC, TANH, LEAKY_RELU and ABS of int16."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from ..container.device import Words, constants
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import (
    ONE,
    PackedOperator,
    factor,
    loading,
    packed,
    per_tensor,
    quantise_multiplier,
    scaling,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.curve")
_TABLE = Words("ops.curve", "a table")
_SLOPE = Words("ops.curve", "a slope")
#: The device has the names of the schema.
_CODES = constants("ops.curve")
_UNITS = {"LOGISTIC": "curve", "TANH": "curve", "LEAKY_RELU": "leaky", "ABS": "magnitude"}
_CURVES = ("LOGISTIC", "TANH")
_MOST = 128


@cache
def sigmoid_table() -> bytes:
    """sigmoid(i / 24) in 65536ths for i of 0 .. 255, as the reference rounds it.

    The reference's tangent is twice this table less one, and exact at its points; at a scale of two
    thirds of a 4096th the points are every 128th input, so the table is read off there.
    """
    # Imported here, because the comparison with the reference needs the compiler, which needs this.
    from ..reference.oracle import Oracle
    from ..tflite.builder import ModelBuilder, Quantisation

    builder = ModelBuilder()
    # The next float up: the input's multiplier is cut off to an integer.
    scale = float(np.nextafter(np.float32(2 / 12288), np.float32(1)))
    given = builder.input("input", (1, 256), np.int16, Quantisation.tensor(scale))
    result = builder.output("output", (1, 256), np.int16, Quantisation.tensor(1 / 32768))
    builder.operator("TANH", (given,), (result,))
    points = (128 * np.arange(256)).astype(np.int16).reshape(1, 256)
    tangents = Oracle(builder.finish()).run([points])[0].astype(np.int32)
    return (tangents + 32768).astype(np.uint16).tobytes()


def _table_input(kind: str, scale: float) -> tuple[int, int] | None:
    """(multiplier, shift) of an input to the table's scale of 1 / (3 * 4096)."""
    exponent = round(math.log2(scale))
    left = 12 + exponent
    if scale == 2.0**exponent and left in ((0, 1) if kind == "TANH" else (0,)):
        return 3 << left, 0
    multiplier, shift = scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        shift += 1
        multiplier *= 2.0
    return (int(multiplier), shift) if multiplier <= 32767 and shift <= 30 else None


class Curve(Operator):
    """One function of an int16 element."""

    kinds = tuple(_UNITS)
    primitives = ("arithmetic",)

    def supports(self, source: SourceOperator) -> str | None:
        """int16 to int16."""
        given, result = source.input(0), source.outputs[0]
        if given.dtype != "int16" or result.dtype != "int16":
            return f"{given.dtype} to {result.dtype}"
        if given.quantization is None or result.quantization is None:
            return "no scale"
        if source.kind in _CURVES:
            if _table_input(source.kind, per_tensor(given)[0]) is None:
                return f"an input scale of {per_tensor(given)[0]}"
            if per_tensor(result)[0] != 1 / 32768:
                return f"an output scale of {per_tensor(result)[0]}"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """A table, or scalings."""
        given, result = source.input(0), source.outputs[0]
        item = work("curve", **{_UNITS[source.kind]: 1})
        chunk = chunk_of(item, min(_MOST, given.elements))
        return packed(
            "curve",
            primitive,
            _PARAMETERS.pack(count=given.elements, chunk=chunk, kind=_CODES[source.kind])
            + _body(source),
            inputs=(given,),
            outputs=(result,),
            scratch_bytes=0 if source.kind in _CURVES else 8 * chunk,
            spent=spent(-(-given.elements // chunk), item * chunk, item * given.elements),
        )


def _body(source: SourceOperator) -> bytes:
    given, result = source.input(0), source.outputs[0]
    scale, to_scale = per_tensor(given)[0], per_tensor(result)[0]
    if source.kind in _CURVES:
        multiplier, shift = _table_input(source.kind, scale) or (0, 0)
        return _TABLE.pack(multiplier=multiplier, shift=shift) + sigmoid_table()
    identity = quantise_multiplier(scale / to_scale)
    slope = (0, 0)
    negative = False
    end = identity
    if source.kind == "LEAKY_RELU":
        real = scale * source.option("alpha", 0.0) / to_scale
        negative = real < 0
        slope = quantise_multiplier(abs(real))
        # Both are scaled before they meet: what is left multiplies by one, exactly.
        end = ONE
    head = _SLOPE.pack(
        loading=loading(given, given.shape), identity=factor(*identity), slope=factor(*slope),
        negative=int(negative),
    )  # fmt: skip
    return head + scaling([end], zero=0, low=-32768, high=32767, width=2)


register(Curve())
