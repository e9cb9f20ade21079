# SPDX-License-Identifier: Apache-2.0
"""CPU cycles and virtual time: one instruction is one cycle, sleep is skipped exactly.

The CPU stands on a cycle boundary always; the instant of cycle ``n`` is its time in ns,
rounded up. An event is seen at the first cycle at or after its instant.
"""

from __future__ import annotations

from collections.abc import Callable

from hocket_host.sim.clock import Clock, Event
from hocket_host.units import NS_PER_S, cycles_to_ns


class CpuTime:
    """Counts cycles and moves the clock along with them.

    Parameters
    ----------
    clock
        Virtual time.
    hz
        Clock of the CPU, at most 1 GHz.
    begun
        Instructions begun in the slice that runs now.
    """

    def __init__(self, clock: Clock, hz: int, begun: Callable[[], int]) -> None:
        self.clock = clock
        self.hz = hz
        self._begun = begun
        self._cycles = 0
        self._running = False
        self.instructions = 0
        """Instructions executed in slices that have ended."""

    @property
    def cycles(self) -> int:
        """Cycles since power-on; during an instruction, at its beginning."""
        return self._cycles + (self._begun() - 1 if self._running else 0)

    def executed(self) -> int:
        """Instructions completed since power-on."""
        return self.instructions + (self._begun() - 1 if self._running else 0)

    def begin(self) -> None:
        """A slice begins."""
        self._running = True

    def end(self, instructions: int) -> None:
        """A slice has ended."""
        self._running = False
        self._cycles += instructions
        self.instructions += instructions

    def cycle_of(self, when_ns: int) -> int:
        """First cycle at or after an instant."""
        return (when_ns - 1) * self.hz // NS_PER_S + 1 if when_ns > 0 else 0

    def at(self, cycle: int, action: Callable[[], None], label: str) -> Event:
        """Ask for an action at a cycle."""
        when_ns = max(cycles_to_ns(cycle, self.hz), self.clock.now_ns)
        return self.clock.at(when_ns, action, label)

    def next_cycle(self) -> int | None:
        """Cycle at which the next event is seen."""
        due_ns = self.clock.next_ns
        return None if due_ns is None else self.cycle_of(due_ns)

    def sync(self) -> None:
        """Fire what is due by now."""
        now_ns = -(-self.cycles * NS_PER_S // self.hz)
        if now_ns >= self.clock.now_ns:
            self.clock.run_until(now_ns)

    def sleep_to(self, cycle: int) -> None:
        """Pass time without instructions."""
        self._cycles = max(self._cycles, cycle)
        self.sync()
