# SPDX-License-Identifier: Apache-2.0
"""Exceptions of an Armv8-M CPU: what is pending, active, enabled, and who may preempt whom.

Rules: Armv8-M Architecture Reference Manual, exception model. One security state.
"""

from __future__ import annotations

from collections.abc import Callable

RESET, NMI, HARD_FAULT, MEM_MANAGE, BUS_FAULT, USAGE_FAULT = 1, 2, 3, 4, 5, 6
SVCALL, DEBUG_MONITOR, PEND_SV, SYS_TICK, IRQ0 = 11, 12, 14, 15, 16
IRQS = 480
COUNT = IRQ0 + IRQS

_FIXED = {RESET: -4, NMI: -2, HARD_FAULT: -1}
_CONFIGURABLE_FAULTS = (MEM_MANAGE, BUS_FAULT, USAGE_FAULT)
#: Lower than every priority: Thread mode without any mask.
IDLE = 256


def name_of(number: int) -> str:
    """Name of an exception."""
    names = {
        0: "Thread", NMI: "NMI", HARD_FAULT: "HardFault", MEM_MANAGE: "MemManage",
        BUS_FAULT: "BusFault", USAGE_FAULT: "UsageFault", SVCALL: "SVCall",
        DEBUG_MONITOR: "DebugMonitor", PEND_SV: "PendSV", SYS_TICK: "SysTick",
    }  # fmt: skip
    return names.get(number) or (f"IRQ {number - IRQ0}" if number >= IRQ0 else f"#{number}")


class Nvic:
    """State of all exceptions.

    Parameters
    ----------
    priority_mask
        Bits of a priority that exist.
    raised
        Called when an exception becomes pending or may have become deliverable.
    """

    def __init__(self, priority_mask: int, raised: Callable[[], None]) -> None:
        self._mask = priority_mask
        self._raised = raised
        self.levels: set[int] = set()
        """Exceptions whose interrupt line is high."""
        self.reset()

    def reset(self) -> None:
        """As after power-on; lines keep their levels."""
        self.pending: set[int] = {n for n in self.levels if n >= IRQ0}
        self.active: set[int] = set()
        self.enabled: set[int] = {NMI, HARD_FAULT, SVCALL, PEND_SV, SYS_TICK}
        self.priorities = [0] * COUNT
        self.group = 0
        """AIRCR.PRIGROUP."""

    # Changes -------------------------------------------------------------------------------------

    def pend(self, number: int) -> None:
        """Make an exception pending."""
        self.pending.add(number)
        self._raised()

    def unpend(self, number: int) -> None:
        """Withdraw a pending exception; a line that is still high pends it again."""
        self.pending.discard(number)
        if number in self.levels and number not in self.active:
            self.pending.add(number)

    def set_level(self, irq: int, high: bool) -> None:
        """Drive an interrupt line; a rising level pends it."""
        number = IRQ0 + irq
        if not high:
            self.levels.discard(number)
        elif number not in self.levels:
            self.levels.add(number)
            self.pend(number)

    def enable(self, number: int, on: bool) -> None:
        """Enable or disable an interrupt or a configurable fault."""
        if on:
            self.enabled.add(number)
            self._raised()
        else:
            self.enabled.discard(number)

    def set_priority(self, number: int, value: int) -> None:
        """Set a priority; bits that do not exist are dropped."""
        self.priorities[number] = value & self._mask
        self._raised()

    def enter(self, number: int) -> None:
        """Take an exception."""
        self.pending.discard(number)
        self.active.add(number)

    def leave(self, number: int) -> None:
        """Return from an exception."""
        self.active.discard(number)
        if number in self.levels:
            self.pending.add(number)

    # Questions -----------------------------------------------------------------------------------

    def priority(self, number: int) -> int:
        """Group priority, which decides preemption."""
        fixed = _FIXED.get(number)
        if fixed is not None:
            return fixed
        return self.priorities[number] & (0xFF << (self.group + 1)) & 0xFF

    def execution_priority(self, primask: int, basepri: int, faultmask: int) -> int:
        """Priority of what runs now, with the masks that boost it."""
        level = min((self.priority(n) for n in self.active), default=IDLE)
        if basepri:
            level = min(level, basepri & self._mask & (0xFF << (self.group + 1)) & 0xFF)
        if primask:
            level = min(level, 0)
        if faultmask:
            level = min(level, -1)
        return level

    def best(self) -> int | None:
        """The most urgent exception that is pending and enabled."""
        ready = self.pending & self.enabled
        if not ready:
            return None
        return min(ready, key=lambda n: (self.priority(n), _FIXED.get(n, self.priorities[n]), n))

    def candidate(self, primask: int, basepri: int, faultmask: int) -> int | None:
        """The exception that preempts what runs now."""
        number = self.best()
        if number is None:
            return None
        level = self.execution_priority(primask, basepri, faultmask)
        return number if self.priority(number) < level else None

    def can_take(self, fault: int, primask: int, basepri: int, faultmask: int) -> bool:
        """Whether a synchronous exception can be taken as itself, rather than escalated."""
        if fault in _CONFIGURABLE_FAULTS and fault not in self.enabled:
            return False
        return self.priority(fault) < self.execution_priority(primask, basepri, faultmask)
