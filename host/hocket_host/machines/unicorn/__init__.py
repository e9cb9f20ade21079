# SPDX-License-Identifier: Apache-2.0
"""The bundled emulator: an ARM image on a platform, in exact virtual time (extra ``emulator``).

Instructions are Armv8-M's with single-precision floating point (a Cortex-M33's), which a Cortex-M55
runs as well; images for Armv8.1-M or its vector instructions (MVE) are refused. One instruction
takes one cycle; exception entry and return take none, an instruction that an IT block skips none.
CPUID is the Cortex-M33's.

Not modelled: caches and wait states, MPU, SAU and a second security state, a disabled FPU, lazy
floating-point stacking (frames are stacked whole, at once), division by zero and unaligned traps
(CCR), breakpoint units, WFE's event register (WFE does not wait), exclusive monitors of other
masters, IT state across a return into an IT block. The NPU's writes to memory that holds code are
not seen by code that ran before. UART characters take no time on the wire.
"""

from __future__ import annotations

from .cpu import ExceptionEvent
from .engine import EngineError
from .faults import FaultReport, LockupError
from .unicorn_machine import UnicornMachine

__all__ = [
    "EngineError",
    "ExceptionEvent",
    "FaultReport",
    "LockupError",
    "UnicornMachine",
]
