# SPDX-License-Identifier: Apache-2.0
"""What the emulators of ARM images have in common."""

from __future__ import annotations

from .elf import ElfError, ElfImage, Symbol, load_elf
from .emulated_machine import EmulatedMachine, Stop, StopReason
from .errors import MachineError
from .npu_options import NpuOptions, npu_of

__all__ = [
    "ElfError",
    "ElfImage",
    "EmulatedMachine",
    "MachineError",
    "NpuOptions",
    "Stop",
    "StopReason",
    "Symbol",
    "load_elf",
    "npu_of",
]
