# SPDX-License-Identifier: Apache-2.0
"""What it costs to start the next segment, in instructions, seen from outside."""

from __future__ import annotations

from dataclasses import dataclass, field

from hocket_host.errors import HocketError
from hocket_host.ethosu.device.engine import RunEvent

from ..common.npu import npu_of
from .cpu import ExceptionEvent
from .nvic import IRQ0
from .unicorn_machine import UnicornMachine


@dataclass
class DispatchMeter:
    """Counts instructions from the NPU's interrupt to the start of the next segment.

    Only segments that the interrupt itself starts are counted, from the entry of its exception to
    the write of CMD.
    """

    machine: UnicornMachine
    instructions: list[int] = field(default_factory=list)
    """One number a dispatch, in order."""
    _entered: int | None = None

    def __post_init__(self) -> None:
        npu = self.machine.platform.npu
        npu_of(self.machine).observers.append(self._run)
        self._number = -1 if npu is None else IRQ0 + npu.irq
        self.machine.exception_observers.append(self._exception)

    def _exception(self, event: ExceptionEvent) -> None:
        if event.number == self._number:
            self._entered = event.instructions if event.entered else None

    def _run(self, event: RunEvent) -> None:
        if event.kind == "start" and self._entered is not None:
            self.instructions.append(self.machine.instructions - self._entered)
            self._entered = None

    def percentile(self, percent: int) -> int:
        """A percentile of the counts by nearest rank; 100 is the largest.

        Raises
        ------
        HocketError
            Nothing was counted.
        """
        counts = sorted(self.instructions)
        if not counts:
            raise HocketError(
                "no dispatch was seen", found="no segment started by the NPU's interrupt",
                expected="at least one", try_="run longer, or cut the networks",
            )  # fmt: skip
        return counts[max(-(-len(counts) * percent // 100) - 1, 0)]
