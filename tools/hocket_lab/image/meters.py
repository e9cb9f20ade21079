# SPDX-License-Identifier: Apache-2.0
"""What the CPU spends on an image: costs of the kernel, and whether an interrupt allocates.

All of it is seen from outside, on the bundled emulator; the image is the one that ships.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hocket_host.errors import HocketError
from hocket_host.ethosu.device.engine import RunEvent
from hocket_host.machines.common import npu_of
from hocket_host.machines.unicorn import ExceptionEvent, UnicornMachine
from hocket_host.machines.unicorn.nvic import IRQ0
from hocket_tools.container.device import constants

#: Kinds of the firmware's trace.
_KINDS = constants("trace")
_RELEASE, _COMPLETE, _RESUME = (_KINDS[name] for name in ("RELEASE", "COMPLETE", "RESUME"))
_SPAWNED = 255
#: Until the first sleep.
_BOOT = -1

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
        npu_of(self.machine).observers.append(self._run)
        self._number = _npu_exception(self.machine)
        self.machine.exception_observers.append(self._exception)

    def _exception(self, event: ExceptionEvent) -> None:
        if event.number == self._number:
            self._entered = event.instructions if event.entered else None

    def _run(self, event: RunEvent) -> None:
        if event.kind == "start" and self._entered is not None:
            self.instructions.append(self.machine.instructions - self._entered)
            self._entered = None


@dataclass
class AllocationMeter:
    """Counts interrupts of the NPU in which MicroPython's heap changed.

    The allocation table lies at the start of the heap; whoever allocates or frees changes it.
    """

    machine: UnicornMachine
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
class KernelMeter:
    """Counts what the kernel's own work takes, in instructions, and leaves nothing out.

    The CPU's time is divided where it wakes, where the kernel begins to look for what is to
    be done, and at the releases and resumes that it records. What lies before a release is the
    release's; what lies before a resume, and from there to the next look, is that resume's, or its
    completion's if the job came to its end; the rest are turns of the loop for nothing. Interrupts
    that start a segment are dispatches and not counted here.

    Parameters
    ----------
    machine
        With an image whose tasks' bodies are the inference alone.
    """

    machine: UnicornMachine
    releases: list[int] = field(default_factory=list)
    resumes: list[int] = field(default_factory=list)
    """Of those that submit."""
    completions: list[int] = field(default_factory=list)
    """Of the resumes that complete a job, with the resume itself."""
    spawned: list[int] = field(default_factory=list)
    """Of tasks without a place in the container, such as the one that prints the table."""
    turns: list[int] = field(default_factory=list)
    """From a look to the next, or to sleep, or from there to a look."""
    _last: int | None = _BOOT
    """Kind of the last division, None for a wake or a look."""
    _since: int = 0
    _before: int = 0
    _name: int = 0
    _completed: bool = False
    _slept: int = 0
    _entered: int | None = None
    _started: bool = False

    def __post_init__(self) -> None:
        self._number = _npu_exception(self.machine)
        self.machine.exception_observers.append(self._exception)
        assert self.machine.npu is not None
        self.machine.npu.observers.append(self._run)
        self.machine.watch("npu_record", self._record)
        self.machine.watch("agenda_step", self._step)

    def _exception(self, event: ExceptionEvent) -> None:
        slept = self.machine.time.cycles - event.instructions
        if event.entered and slept != self._slept:
            self._divide(None, event.instructions)
            self._slept = slept
        if event.number != self._number:
            return
        if event.entered:
            self._entered, self._started = event.instructions, False
        elif self._entered is not None:
            if self._started:
                self._since += event.instructions - self._entered
            self._entered = None

    def _run(self, event: RunEvent) -> None:
        self._started |= event.kind == "start"

    def _step(self, arguments: list[int]) -> None:
        self._divide(None, self.machine.instructions)

    def _record(self, arguments: list[int]) -> None:
        kind = arguments[2]
        if kind == _COMPLETE:
            self._completed = True
        elif kind in (_RELEASE, _RESUME):
            self._divide(kind, self.machine.instructions)
            self._name = arguments[3] >> 16 & 0xFF

    def _divide(self, kind: int | None, now: int) -> None:
        spent = now - self._since
        if self._last == _BOOT:
            if kind is not None:
                return
        elif self._last == _RESUME:
            counts = self.completions if self._completed else self.resumes
            (self.spawned if self._name == _SPAWNED else counts).append(self._before + spent)
            spent = 0
        elif kind == _RELEASE:
            self.releases.append(spent)
            spent = 0
        elif kind is None:
            self.turns.append(spent)
            spent = 0
        self._before = spent
        self._completed = False
        self._last, self._since = kind, now


def _npu_exception(machine: UnicornMachine) -> int:
    npu_of(machine)
    assert machine.platform.npu is not None
    return IRQ0 + machine.platform.npu.irq
