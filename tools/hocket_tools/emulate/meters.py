# SPDX-License-Identifier: Apache-2.0
"""What the processor spends on an image: costs of a resume, and whether an interrupt allocates.

All of it is seen from outside, on the bundled emulator; the image is the one that ships.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hocket_host.cortexm import ExceptionEvent, Machine
from hocket_host.cortexm.nvic import IRQ0
from hocket_host.emulator import JobWatcher
from hocket_host.errors import HocketError
from hocket_host.ethosu.engine import RunEvent

#: A byte of MicroPython's allocation table stands for four blocks of four words.
_BYTES_PER_TABLE_BYTE = 64


def percentile(counts: list[int], percent: int) -> int:
    """By nearest rank; 100 is the largest.

    Raises
    ------
    HocketError
        Nothing was counted.
    """
    if not counts:
        raise HocketError(
            "nothing was counted", found="no event of this kind in the run",
            expected="at least one", try_="run longer",
        )  # fmt: skip
    return sorted(counts)[max(-(-len(counts) * percent // 100) - 1, 0)]


@dataclass
class AllocationMeter:
    """Counts interrupts of the NPU in which MicroPython's heap changed.

    The allocation table lies at the start of the heap; whoever allocates or frees changes it.
    """

    machine: Machine
    interrupts: int = 0
    allocating: int = 0
    _before: bytes | None = None

    def __post_init__(self) -> None:
        start, end = (self.machine.image.symbol(name).address for name in ("_sheap", "_eheap"))
        self._table = start, (end - start) // _BYTES_PER_TABLE_BYTE
        self._number = _npu_exception(self.machine)
        self.machine.exception_observers.append(self._exception)

    def _exception(self, event: ExceptionEvent) -> None:
        if event.number != self._number:
            return
        table = self.machine.read_memory(*self._table)
        if event.entered:
            self._before = table
        elif self._before is not None:
            self.interrupts += 1
            self.allocating += table != self._before
            self._before = None


@dataclass
class ResumeMeter:
    """Counts the instructions that surround the jobs of tasks that never meet.

    A stretch of work lasts from the exception that wakes the processor until it sleeps again.

    Parameters
    ----------
    machine
        With an image whose tasks' bodies are the inference alone.
    watcher
        Of the same machine, made before this.
    """

    machine: Machine
    watcher: JobWatcher
    submits: list[int] = field(default_factory=list)
    """From the wake at a release to the start of the first segment."""
    completions: list[int] = field(default_factory=list)
    """From the last segment's interrupt through completion of the body to sleep."""
    _woke: int | None = None
    _completed: int | None = None
    _ended: bool = False
    _jobs: int = 0
    _slept: int = 0
    _inside: bool = False

    def __post_init__(self) -> None:
        self._number = _npu_exception(self.machine)
        self.machine.exception_observers.append(self._exception)
        assert self.machine.npu is not None
        self.machine.npu.observers.append(self._run)

    def _exception(self, event: ExceptionEvent) -> None:
        ours = event.number == self._number
        if ours:
            self._inside = event.entered
        if not event.entered:
            return
        slept = self.machine.time.cycles - event.instructions
        if slept != self._slept:
            if self._completed is not None:
                self.completions.append(event.instructions - self._completed)
                self._completed = None
            self._slept = slept
            self._woke = event.instructions
        if ours and self._ended:
            # Whether it woke the processor or found it at work on the segment before.
            self._completed = event.instructions
        self._ended = False

    def _run(self, event: RunEvent) -> None:
        if event.kind == "end":
            self._ended = len(self.watcher.jobs) > self._jobs
            self._jobs = len(self.watcher.jobs)
        elif event.kind == "start":
            self._completed = None
            if not self._inside and self._woke is not None:
                self.submits.append(self.machine.instructions - self._woke)


def _npu_exception(machine: Machine) -> int:
    npu = machine.platform.npu
    if npu is None:
        raise HocketError(
            "the machine has no NPU", where=machine.platform.path, found="none",
            expected="a Tag ETHOS_U55 in the platform description",
        )  # fmt: skip
    return IRQ0 + npu.irq
