# SPDX-License-Identifier: Apache-2.0
"""Operators on the processor: which there are, and how they are packed for the device.

The device's half is ``hocket.ops``; everything that needs floating point is done here.
"""

from . import binary, conv, dense, move, table
from .packing import OperatorError, Packed
from .registry import Operator, candidates, kinds, pack, reason, register
from .source import SourceOperator, read_source

__all__ = [
    "Operator",
    "OperatorError",
    "Packed",
    "SourceOperator",
    "binary",
    "candidates",
    "conv",
    "dense",
    "kinds",
    "move",
    "pack",
    "read_source",
    "reason",
    "register",
    "table",
]
