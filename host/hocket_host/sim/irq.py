# SPDX-License-Identifier: Apache-2.0
"""A small interrupt controller after the Cortex-M's NVIC: one priority, lowest line first.

Lines are level-sensitive with a latch, as the NVIC's are: a rising level pends the line, the level
is sampled again when its handler returns, and a line that pends while a handler runs is taken after
it. Handlers are nested Python calls, made where virtual time stands when the line is taken.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import HocketError

Handler = Callable[[int], object]

#: Times a handler may return with its line's level never dropped before this is called a storm.
STORM_LIMIT = 1000


class InterruptError(HocketError):
    """A use of interrupts that would lock up or confuse a real CPU."""


class InterruptController:
    """Pending and enabled lines, a global mask, and the delivery of handlers.

    Parameters
    ----------
    charge
        Called with the line before its handler, to let the time of exception entry pass.
    """

    def __init__(self, charge: Callable[[int], None]) -> None:
        self._charge = charge
        self._handlers: dict[int, Handler] = {}
        self._levels: dict[int, bool] = {}
        self._pending: set[int] = set()
        self._enabled = True
        self._active: int | None = None
        self._unserved: dict[int, int] = {}
        self.taken = 0
        """Handlers run so far."""

    @property
    def active(self) -> int | None:
        """Line whose handler runs; None in thread mode."""
        return self._active

    @property
    def wakes(self) -> bool:
        """Whether an enabled line is pending, masked or not: what ends a wait for interrupt."""
        return any(line in self._handlers for line in self._pending)

    def set_handler(self, line: int, handler: Handler | None) -> None:
        """Enable a line with its handler, called with its number; None disables it."""
        if handler is None:
            self._handlers.pop(line, None)
        else:
            self._handlers[line] = handler
            self.deliver()

    def set_level(self, line: int, high: bool) -> None:
        """Drive a line; a rising level pends it. Delivery is left to `deliver`."""
        if high and not self._levels.get(line, False):
            self._pending.add(line)
        if not high:
            self._unserved.pop(line, None)
        self._levels[line] = high

    def disable(self) -> bool:
        """Mask all handlers; returns whether they were enabled before."""
        state, self._enabled = self._enabled, False
        return state

    def enable(self, state: bool) -> None:
        """Restore what `disable` returned; what is pending is taken at once."""
        self._enabled = bool(state)
        self.deliver()

    def deliver(self) -> None:
        """Take every pending enabled line, unless masked or inside a handler.

        Raises
        ------
        InterruptError
            A handler keeps returning without silencing its line.
        """
        while self._enabled and self._active is None:
            line = min((n for n in self._pending if n in self._handlers), default=None)
            if line is None:
                return
            self._take(line)

    def _take(self, line: int) -> None:
        self._pending.discard(line)
        handler = self._handlers[line]
        self._active = line
        self.taken += 1
        try:
            self._charge(line)
            handler(line)
        finally:
            self._active = None
        if not self._levels.get(line, False):
            return
        self._pending.add(line)
        self._unserved[line] = self._unserved.get(line, 0) + 1
        if self._unserved[line] >= STORM_LIMIT:
            raise InterruptError(
                "interrupt storm",
                where=f"interrupt {line}",
                found=f"its handler returned {STORM_LIMIT} times with the line still raised",
                expected="the handler clears the interrupt at its device",
                try_="write the device's clear bit (Ethos-U: CMD.clear_irq) in the handler",
            )
