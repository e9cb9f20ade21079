# SPDX-License-Identifier: Apache-2.0
"""Operators that Vela compiles into another computation than the file's.

REDUCE_MAX, REDUCE_MIN and SUM that drop their axes
    Vela takes the shape of the result for four axes, counted from the right, and reads as much of
    the input as that shape suggests: for an input of 1 x 5 x 4 x 7 and the last axis it takes the
    result 1 x 5 x 4 for 1 x 1 x 5 x 4. Where the two shapes are the same once the axes are kept,
    nothing is lost; elsewhere most of the result is wrong.

SUM over several axes
    Vela sums over one of them, and writes more than the result has room for.

MIRROR_PAD of the last axis
    Vela mirrors height and width only; the borders of channels hold anything.

SOFTMAX of int16 whose factor of 31 bits rounds up to 2**31
    Vela writes that factor, of ``scale * beta / (10 / 65535)``, into a constant of 32 bits with a
    sign, where it is -2**31. The scale 10 / 65535, times any power of two, is such a one.
"""

from __future__ import annotations

import math

import numpy as np

from ..cpu import SourceOperator, read_source, reason
from ..tflite.model import Subgraph, TfliteModel, TfliteOperator
from .options import VelaError

_REDUCTIONS = ("REDUCE_MAX", "REDUCE_MIN", "SUM")
_AXES = 4

#: What a user can do about an operator that neither unit computes.
_CHANGES = {
    "MIRROR_PAD": "pad height and width only, or with a constant",
    "SOFTMAX": "quantise the layer's input with a scale that differs by a little",
    **dict.fromkeys(
        _REDUCTIONS, "keep the reduced axes (keep_dims), and reduce one axis at a time"
    ),
}


def misread(source: TfliteModel, data: bytes) -> tuple[int, ...]:
    """Indices of the operators that must not be left to Vela.

    Parameters
    ----------
    source, data
        The model, as read and as bytes.

    Raises
    ------
    VelaError
        The CPU cannot run such an operator either.
    """
    suspects = tuple(o for o in source.main.operators if o.kind in _CHANGES)
    described = read_source(data, source) if suspects else ()
    found = tuple(o for o in suspects if _misread(source.main, o, described[o.index]))
    for operator in found:
        why = reason(described[operator.index])
        if why is not None:
            raise VelaError(
                "an operator that Vela compiles wrongly, and the CPU cannot run",
                where=str(operator),
                found=why,
                expected="a CPU operator for it",
                try_=_CHANGES[operator.kind],
            )
    return tuple(operator.index for operator in found)


def _misread(graph: Subgraph, operator: TfliteOperator, described: SourceOperator) -> bool:
    if operator.kind == "SOFTMAX":
        return _overflows(described)
    if operator.kind == "MIRROR_PAD":
        borders = graph.tensors[operator.inputs[1]].data
        return borders is not None and any(np.frombuffer(borders, np.int32)[-2:])
    return _misreduced(graph, operator)


def _overflows(softmax: SourceOperator) -> bool:
    given = softmax.input(0)
    if given.dtype != "int16" or given.quantization is None or not given.quantization.scales:
        return False
    beta = float(softmax.option("beta", 1.0))
    fraction, _ = math.frexp(given.quantization.scales[0] * beta / (10.0 / 65535.0))
    return math.floor(fraction * 2**31 + 0.5) == 2**31


def _misreduced(graph: Subgraph, operator: TfliteOperator) -> bool:
    given, axes = (graph.tensors[i] for i in operator.inputs[:2])
    result = graph.tensors[operator.outputs[0]].shape
    rank = len(given.shape)
    if axes.data is None or given.dtype not in ("int8", "uint8", "int16"):
        return False
    reduced = {int(axis) % rank for axis in np.frombuffer(axes.data, np.int32)}
    if operator.kind == "SUM" and len(reduced) > 1:
        return True
    kept = tuple(1 if i in reduced else size for i, size in enumerate(given.shape))
    return len(result) != rank and _padded(kept) != _padded(result)


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1,) * (_AXES - len(shape)) + shape
