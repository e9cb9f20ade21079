# SPDX-License-Identifier: Apache-2.0
"""Functions of float32 from the machine's C library; rounded from float64 where it has none."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable

import numpy as np

Float = np.float32


def _function(name: str, other: Callable[..., float], arguments: int) -> Callable[..., Float]:
    path = ctypes.util.find_library("m")
    try:
        found = getattr(ctypes.CDLL(path), name + "f") if path else None
    except (OSError, AttributeError):
        found = None
    if found is None:
        return lambda *values: Float(other(*(float(v) for v in values)))
    found.restype = ctypes.c_float
    found.argtypes = [ctypes.c_float] * arguments
    return lambda *values: Float(found(*(float(v) for v in values)))


cos = _function("cos", math.cos, 1)
log1p = _function("log1p", math.log1p, 1)
pow = _function("pow", math.pow, 2)
