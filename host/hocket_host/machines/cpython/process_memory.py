# SPDX-License-Identifier: Apache-2.0
"""The memory of this process as a machine, for device code that needs no board."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np


class ProcessMemory:
    """Memory of this very process, as MicroPython on a desktop has it; no devices.

    Any buffer has an address, time moves as it is told to, and there are no interrupts. With
    ``hocket.testing``, whose board brings its own time and interrupts, whole kernels run on it.
    """

    def __init__(self) -> None:
        self._now_ns = 0
        self._enabled = True

    def read(self, address: int, size: int) -> int:
        """Load from this process; a wrong address ends it, as it would on a board."""
        return int.from_bytes(ctypes.string_at(address, size), "little")

    def write(self, address: int, size: int, value: int) -> None:
        """Store into this process."""
        ctypes.memmove(address, value.to_bytes(size, "little"), size)

    def view(self, address: int, length: int) -> memoryview:
        """Memory of this process, which the caller keeps alive."""
        return memoryview((ctypes.c_ubyte * length).from_address(address)).cast("B")

    def address_of(self, buffer: object) -> int:
        """Address of a buffer in this process."""
        return int(np.frombuffer(buffer, np.uint8).ctypes.data)  # type: ignore[call-overload]

    def now_ns(self) -> int:
        """Virtual time."""
        return self._now_ns

    def advance(self, ns: int) -> None:
        """Move time."""
        self._now_ns += ns

    def wait_for_interrupt(self, until_ns: int | None) -> None:
        """Move time to ``until_ns``; there is nothing that could come before."""
        if until_ns is None:
            raise RuntimeError("a wait without end")
        self._now_ns = max(self._now_ns, until_ns)

    def set_irq_handler(self, number: int, handler: Callable[[int], object] | None) -> None:
        """Do nothing: there are no interrupts."""

    def disable_irq(self) -> object:
        """Disable interrupts."""
        state = self._enabled
        self._enabled = False
        return state

    def enable_irq(self, state: object) -> None:
        """Restore the state of interrupts."""
        self._enabled = bool(state)
