# SPDX-License-Identifier: Apache-2.0
"""Operators that Vela compiles into another computation than the file's.

REDUCE_MAX, REDUCE_MIN and SUM that drop their axes
    Vela takes the shape of the result for four axes, counted from the right, and reads as much of
    the input as that shape suggests: for an input of 1 x 5 x 4 x 7 and the last axis it takes the
    result 1 x 5 x 4 for 1 x 1 x 5 x 4. Where the two shapes are the same once the axes are kept,
    nothing is lost; elsewhere most of the result is wrong.

SUM over several axes
    Vela sums over one of them, and writes more than the result has room for.
"""

from __future__ import annotations

import numpy as np

from ..operators import read_source, reason
from ..tflite import Subgraph, TfliteModel, TfliteOperator
from .errors import VelaError

_KINDS = ("REDUCE_MAX", "REDUCE_MIN", "SUM")
_AXES = 4


def misread(source: TfliteModel, data: bytes) -> tuple[int, ...]:
    """Indices of the operators that must not be left to Vela.

    Parameters
    ----------
    source, data
        The model, as read and as bytes.

    Raises
    ------
    VelaError
        The processor cannot run such an operator either.
    """
    found = tuple(o.index for o in source.main.operators if _misread(source.main, o))
    described = read_source(data, source) if found else ()
    for index in found:
        why = reason(described[index])
        if why is not None:
            raise VelaError(
                "a reduction that Vela compiles wrongly, and the processor cannot run",
                where=str(source.main.operators[index]),
                found=why,
                expected="an operator of the processor's for it",
                try_="keep the reduced axes (keep_dims), and reduce one axis at a time",
            )
    return found


def _misread(graph: Subgraph, operator: TfliteOperator) -> bool:
    if operator.kind not in _KINDS:
        return False
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
