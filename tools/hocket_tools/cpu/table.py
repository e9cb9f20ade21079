# SPDX-License-Identifier: Apache-2.0
"""Functions of one 8-bit element, as tables.

A table has an entry for each of the 256 values that an element may have, so whatever the function
is, the reference itself can be asked for all of them: the entries are what tflite_micro computes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..container.device import Words
from ..tflite.model import Quantisation, TfliteTensor
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import PackedOperator, element_bytes, packed
from .registry import Operator, register

_PARAMETERS = Words("ops.table")
_RESULTS = ("int8", "uint8", "int16", "int32", "float32")
_UNITS = {1: "byte", 2: "half", 4: "word"}


def _key(tensor: TfliteTensor) -> tuple[str, Quantisation | None]:
    return tensor.dtype, tensor.quantization


@lru_cache(maxsize=256)
def _values(
    kind: str,
    source: tuple[str, Quantisation | None],
    target: tuple[str, Quantisation | None],
    table: str | None,
    options: tuple[tuple[str, Any], ...],
) -> NDArray[Any] | str:
    # Imported here, because the comparison with the reference needs the compiler, which needs this.
    from ..reference.oracle import Oracle, OracleError
    from ..tflite.builder import ModelBuilder

    builder = ModelBuilder()
    shape = (1, 16, 16, 1)
    given = builder.input("input", shape, source[0], source[1])
    result = builder.output("output", shape, target[0], target[1])
    builder.operator(kind, (given,), (result,), table, version=2, **dict(options))
    every = np.arange(256).astype(np.uint8).view(source[0]).reshape(shape)
    try:
        return Oracle(builder.finish()).run([every])[0].reshape(-1)
    except OracleError as error:
        return str(error.found)


def function_values(source: SourceOperator) -> NDArray[Any] | str:
    """What an operator gives for each stored byte 0 .. 255 of its input.

    Returns
    -------
    ndarray of 256, or str
        Of the output's type; the reason when tflite_micro has no such kernel.
    """
    scalars = tuple(
        (k, v) for k, v in sorted(source.options.items()) if isinstance(v, (int, float, bool))
    )
    return _values(
        source.kind,
        _key(source.input(0)),
        _key(source.outputs[0]),
        source.options_table,
        scalars,
    )


class Table(Operator):
    """One operator on one 8-bit operand."""

    kinds = (
        "LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "ELU", "ABS", "NEG",
        "QUANTIZE", "DEQUANTIZE", "EXP", "LOG", "RSQRT", "SQRT", "SQUARE", "CAST",
        "SIN", "COS", "CEIL", "FLOOR", "ROUND",
    )  # fmt: skip
    primitives = ("table",)

    def supports(self, source: SourceOperator) -> str | None:
        """Any 8-bit input, for which tflite_micro has a kernel."""
        given = source.input(0)
        if given.dtype not in ("int8", "uint8"):
            return f"an input of {given.dtype}"
        if source.outputs[0].dtype not in _RESULTS:
            return f"an output of {source.outputs[0].dtype}"
        values = function_values(source)
        return f"tflite_micro has no kernel: {values}" if isinstance(values, str) else None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """A table of 256 entries."""
        values = function_values(source)
        if isinstance(values, str):
            return None
        given, result = source.input(0), source.outputs[0]
        width = element_bytes(result)
        item = work("table", **{_UNITS[width]: 1})
        chunk = chunk_of(item, given.elements)
        return packed(
            "table",
            primitive,
            _PARAMETERS.pack(count=given.elements, chunk=chunk, width=width, unused=0)
            + values.tobytes(),
            inputs=(given,),
            outputs=(result,),
            spent=spent(-(-given.elements // chunk), item * chunk, item * given.elements),
        )


register(Table())

__all__ = ["Table", "function_values"]
