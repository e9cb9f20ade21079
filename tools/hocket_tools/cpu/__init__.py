# SPDX-License-Identifier: Apache-2.0
"""Operators on the CPU: which there are, and how they are packed for the device.

The device's half is ``hocket.ops``; everything that needs floating point is done here.
"""

from ..tflite.operators import SourceOperator, read_source
from . import (
    binary,
    conv,
    convert,
    curve,
    dense,
    detect,
    floats,
    gather,
    lstm,
    matmul,
    move,
    pool,
    prelu,
    reduce,
    resize,
    select,
    softmax,
    svdf,
    table,
)
from .move import ALIASES
from .packing import OperatorError, PackedOperator
from .registry import Operator, candidates, kinds, pack, reason, register
from .variables import SETTLED, Variable, read_variables

__all__ = [
    "ALIASES",
    "SETTLED",
    "Operator",
    "OperatorError",
    "PackedOperator",
    "SourceOperator",
    "Variable",
    "binary",
    "candidates",
    "conv",
    "convert",
    "curve",
    "dense",
    "detect",
    "floats",
    "gather",
    "kinds",
    "lstm",
    "matmul",
    "move",
    "pack",
    "pool",
    "prelu",
    "read_source",
    "read_variables",
    "reason",
    "reduce",
    "register",
    "resize",
    "select",
    "softmax",
    "svdf",
    "table",
]
