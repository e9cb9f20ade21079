# SPDX-License-Identifier: Apache-2.0
"""What the emulators of ARM images have in common, and those who watch them."""

from __future__ import annotations

from ..jobs import JobWatcher, NpuRun, Watched, WatchedJob
from .elf import ElfError, ElfImage, Symbol, load_elf
from .errors import MachineError
from .machine import EmulatedMachine, Stop, StopReason
from .npu import NpuOptions

__all__ = [
    "ElfError",
    "ElfImage",
    "EmulatedMachine",
    "JobWatcher",
    "MachineError",
    "NpuOptions",
    "NpuRun",
    "Stop",
    "StopReason",
    "Symbol",
    "Watched",
    "WatchedJob",
    "load_elf",
]
