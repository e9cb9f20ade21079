# SPDX-License-Identifier: Apache-2.0
"""Vela front end: from a TFLite model to a command stream that is fully accounted for."""

from .compile import compile_model
from .debug import NpuOperation
from .errors import VelaError
from .options import VelaOptions
from .result import CompiledModel, State, Tensor

__all__ = [
    "CompiledModel",
    "NpuOperation",
    "State",
    "Tensor",
    "VelaError",
    "VelaOptions",
    "compile_model",
]
