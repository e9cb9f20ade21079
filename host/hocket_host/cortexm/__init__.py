# SPDX-License-Identifier: Apache-2.0
"""The bundled emulator: an ARM image on a platform, in exact virtual time (extra ``emulator``)."""

from __future__ import annotations

from .elf import ElfError, ElfImage, Symbol, load_elf
from .engine import EngineError
from .faults import FaultReport, LockupError
from .machine import Machine, Stop, StopReason
from .processor import ExceptionEvent
from .system import MachineError
from .watch import DispatchMeter, JobWatcher, WatchedJob

__all__ = [
    "DispatchMeter",
    "ElfError",
    "ElfImage",
    "EngineError",
    "ExceptionEvent",
    "FaultReport",
    "JobWatcher",
    "LockupError",
    "Machine",
    "MachineError",
    "Stop",
    "StopReason",
    "Symbol",
    "WatchedJob",
    "load_elf",
]
