# SPDX-License-Identifier: Apache-2.0
"""Vela front end: from a TFLite model to a command stream that is fully accounted for."""

from .compile import compile_model, compile_network
from .debug import NpuOperation
from .options import VelaError, VelaOptions
from .result import CompiledModel, CpuOperator, Network, Part, PlacedTensor, State

__all__ = [
    "CompiledModel",
    "CpuOperator",
    "Network",
    "NpuOperation",
    "Part",
    "PlacedTensor",
    "State",
    "VelaError",
    "VelaOptions",
    "compile_model",
    "compile_network",
]
