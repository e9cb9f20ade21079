# SPDX-License-Identifier: Apache-2.0
"""MicroPython's hardware modules for CPython, over an emulated machine.

After :func:`install` the firmware package ``hocket`` imports and runs unchanged: its ``machine``,
``micropython``, ``uctypes`` and ``utime`` are the modules of this package. They mirror a 32-bit
Arm board: ``mem32`` reads signed values and ticks wrap at 2**30.
"""

from __future__ import annotations

from .protocol import Machine
from .state import ShimError, current, install, installed, uninstall

__all__ = ["Machine", "ShimError", "current", "install", "installed", "uninstall"]
