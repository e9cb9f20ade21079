# SPDX-License-Identifier: Apache-2.0
"""The NPU's performance monitoring unit: a 48-bit cycle counter and four 32-bit event counters.

Counters are never stepped. Each follows from a total that only grows (cycles, active cycles), read
when a counter is looked at. Overflow flags are therefore set when software looks, and STATUS shows
their interrupt bit; the interrupt line itself is not raised by an overflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum

PMCR, PMCNTENSET, PMCNTENCLR = 0x180, 0x184, 0x188
PMOVSSET, PMOVSCLR, PMINTSET, PMINTCLR = 0x18C, 0x190, 0x194, 0x198
PMCCNTR_LO, PMCCNTR_HI, PMCCNTR_CFG, PMCAXI_CHAN = 0x1A0, 0x1A4, 0x1A8, 0x1AC
PMEVCNTR0, PMEVTYPER0 = 0x300, 0x380

EVENT_COUNTERS = 4
_CYCLE_BIT = 31
_FLAGS = 1 << _CYCLE_BIT | (1 << EVENT_COUNTERS) - 1
_ENABLE, _RESET_EVENTS, _RESET_CYCLES, _MASK_ENABLE = 1 << 0, 1 << 1, 1 << 2, 1 << 3


class PmuEvent(IntEnum):
    """Events that are counted; any other type counts nothing."""

    NO_EVENT = 0x00
    CYCLE = 0x11
    NPU_IDLE = 0x20
    NPU_ACTIVE = 0x23
    MAC_ACTIVE = 0x30


class _Counter:
    """A value, and the total of its event at which it was last brought up to date."""

    def __init__(self, bits: int) -> None:
        self.limit = 1 << bits
        self.value = 0
        self.origin = 0


class Pmu:
    """Registers 0x180-0x38F.

    Parameters
    ----------
    totals
        For each event that is counted, a function that gives its total since power-on.
    """

    def __init__(self, totals: Mapping[int, Callable[[], int]]) -> None:
        self._totals = totals
        self.reset()

    def reset(self) -> None:
        """Back to reset values."""
        self._control = 0
        self._enabled = 0
        self._overflowed = 0
        self._interrupts = 0
        self._cycle_config = 0
        self._axi_channel = 0
        self._types = [0] * EVENT_COUNTERS
        self._events = [_Counter(32) for _ in range(EVENT_COUNTERS)]
        self._cycles = _Counter(48)

    @property
    def irq(self) -> bool:
        """Whether a counter with its interrupt enabled has overflowed."""
        self._sync()
        return bool(self._overflowed & self._interrupts)

    def _sync(self) -> None:
        """Bring every counter up to the present instant."""
        self._bring(self._cycles, PmuEvent.CYCLE, _CYCLE_BIT)
        for index, counter in enumerate(self._events):
            self._bring(counter, self._types[index], index)

    def _bring(self, counter: _Counter, event: int, bit: int) -> None:
        total = self._totals.get(event)
        now = total() if total is not None else 0
        if self._control & _ENABLE and self._enabled >> bit & 1:
            counter.value += now - counter.origin
            if counter.value >= counter.limit:
                counter.value %= counter.limit
                self._overflowed |= 1 << bit
        counter.origin = now

    def read(self, offset: int) -> int:
        """Read a register."""
        self._sync()
        if offset == PMCR:
            return self._control | EVENT_COUNTERS << 11
        if offset in (PMCNTENSET, PMCNTENCLR):
            return self._enabled
        if offset in (PMOVSSET, PMOVSCLR):
            return self._overflowed
        if offset in (PMINTSET, PMINTCLR):
            return self._interrupts
        if offset == PMCCNTR_LO:
            return self._cycles.value & 0xFFFF_FFFF
        if offset == PMCCNTR_HI:
            return self._cycles.value >> 32
        if offset == PMCCNTR_CFG:
            return self._cycle_config
        if offset == PMCAXI_CHAN:
            return self._axi_channel
        for base, values in ((PMEVCNTR0, [c.value for c in self._events]),
                             (PMEVTYPER0, self._types)):  # fmt: skip
            if base <= offset < base + 4 * EVENT_COUNTERS:
                return values[(offset - base) // 4]
        return 0

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        self._sync()
        if offset == PMCR:
            self._control = value & (_ENABLE | _MASK_ENABLE)
            if value & _RESET_EVENTS:
                for counter in self._events:
                    counter.value = 0
            if value & _RESET_CYCLES:
                self._cycles.value = 0
        elif offset == PMCNTENSET:
            self._enabled |= value & _FLAGS
        elif offset == PMCNTENCLR:
            self._enabled &= ~value
        elif offset == PMOVSSET:
            self._overflowed |= value & _FLAGS
        elif offset == PMOVSCLR:
            self._overflowed &= ~value
        elif offset == PMINTSET:
            self._interrupts |= value & _FLAGS
        elif offset == PMINTCLR:
            self._interrupts &= ~value
        elif offset == PMCCNTR_LO:
            self._cycles.value = self._cycles.value >> 32 << 32 | value
        elif offset == PMCCNTR_HI:
            self._cycles.value = (value & 0xFFFF) << 32 | self._cycles.value & 0xFFFF_FFFF
        elif offset == PMCCNTR_CFG:
            self._cycle_config = value & 0x03FF_03FF
        elif offset == PMCAXI_CHAN:
            self._axi_channel = value & 0x70F
        elif PMEVCNTR0 <= offset < PMEVCNTR0 + 4 * EVENT_COUNTERS:
            self._events[(offset - PMEVCNTR0) // 4].value = value
        elif PMEVTYPER0 <= offset < PMEVTYPER0 + 4 * EVENT_COUNTERS:
            index = (offset - PMEVTYPER0) // 4
            self._types[index] = value & 0x3FF
            # The new event counts from here, not from the old one's total.
            total = self._totals.get(self._types[index])
            self._events[index].origin = total() if total is not None else 0
