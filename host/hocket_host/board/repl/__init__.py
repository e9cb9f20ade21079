# SPDX-License-Identifier: Apache-2.0
"""Platform descriptions in Renode's ``.repl`` language, as far as Hocket's own needs it."""

from __future__ import annotations

from .errors import ReplError
from .files import find
from .platform import Cpu, MemoryRange, Npu, Nvic, Platform, TimerPort, UartPort, load

__all__ = [
    "Cpu",
    "MemoryRange",
    "Npu",
    "Nvic",
    "Platform",
    "ReplError",
    "TimerPort",
    "UartPort",
    "find",
    "load",
]
