# SPDX-License-Identifier: Apache-2.0
"""Vela front end: from a TFLite model to a command stream that is fully accounted for."""

from .compile import compile_model, compile_network
from .debug import NpuOperation
from .errors import VelaError
from .options import VelaOptions
from .result import CompiledModel, CpuOperator, Network, Part, State, Tensor

__all__ = [
    "CompiledModel",
    "CpuOperator",
    "Network",
    "NpuOperation",
    "Part",
    "State",
    "Tensor",
    "VelaError",
    "VelaOptions",
    "compile_model",
    "compile_network",
]
