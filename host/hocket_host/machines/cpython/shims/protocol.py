# SPDX-License-Identifier: Apache-2.0
"""What the shims ask of the machine that they stand in front of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable


@runtime_checkable
class Machine(Protocol):
    """A machine with an address space, a virtual clock and interrupts.

    Addresses are unsigned. Time is virtual, in integer nanoseconds since the machine's start, and
    moves only in :meth:`advance` and :meth:`wait_for_interrupt`; a register access is free.

    Interrupt handlers are called with the number of the interrupt. They run on the caller's stack,
    out of whichever call lets the interrupt in, and never nested.
    """

    def read(self, address: int, size: int, /) -> int:
        """Load ``size`` (1, 2 or 4) bytes as an unsigned little-endian integer."""

    def write(self, address: int, size: int, value: int, /) -> None:
        """Store the unsigned ``value`` in ``size`` (1, 2 or 4) bytes, little-endian."""

    def view(self, address: int, length: int, /) -> memoryview:
        """Memory in place: a view of format ``B``. Plain memory only, no device registers."""

    def now_ns(self) -> int:
        """Virtual time in nanoseconds."""

    def advance(self, ns: int, /) -> None:
        """Let the CPU compute for ``ns`` nanoseconds.

        Events that fall into that time happen at their own instants. Their interrupts are taken
        then, unless interrupts are disabled or a handler is running: in that case they stay
        pending. What time handlers take comes on top.
        """

    def wait_for_interrupt(self, until_ns: int | None, /) -> None:
        """Let the CPU sleep until an interrupt, and no longer than ``until_ns``.

        Returns at once if an interrupt is pending or ``until_ns`` is past. With interrupts
        disabled, one that becomes pending ends the wait too, and is taken when they are enabled
        again; so does the wait-for-interrupt instruction of an Arm CPU. ``None`` sets no
        limit of time.
        """

    def set_irq_handler(self, number: int, handler: Callable[[int], object] | None, /) -> None:
        """Call ``handler`` on interrupt ``number``; ``None`` disables the interrupt."""

    def disable_irq(self) -> object:
        """Disable interrupts; the result is the state for :meth:`enable_irq`."""

    def enable_irq(self, state: object, /) -> None:
        """Restore the state; pending interrupts are taken if it enables them."""
