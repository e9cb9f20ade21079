# SPDX-License-Identifier: Apache-2.0
"""Carries out runs in virtual time: when they start, interrupt, stop, end, fault or hang."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from hocket_host.errors import HocketError
from hocket_host.sim.clock import Clock, Event
from hocket_host.units import cycles_to_ns, ns_to_cycles

from ..stream.operation import Operation
from .interfaces import Executable
from .queue import Ending, Program

Kind = Literal["start", "irq", "end", "stop", "fault", "hang", "reset"]

FAULTS = (Ending.PARSE_ERROR, Ending.BUS_ABORT, Ending.WEIGHT_FAULT)


@dataclass(frozen=True)
class RunEvent:
    """Something that happened to a run, at its exact virtual instant."""

    kind: Kind
    at_ns: int
    run: int
    """Ordinal of the run since power-on, from 0."""
    qbase: int
    operations: int
    """Operations whose effects are in memory."""
    cycles: int
    """For ``start`` the cycles the run will take if nothing intervenes, else those elapsed."""
    ending: Ending | None = None
    error: HocketError | None = None


@dataclass(frozen=True)
class Finish:
    """How a run ended."""

    ending: Ending
    offset: int
    """Queue offset in bytes, from where the run began."""
    mask: int
    """Mask of NPU_OP_STOP; 0 for any other ending."""


@dataclass
class _Run:
    ordinal: int
    program: Program
    bound: Executable | None
    qbase: int
    start_ns: int
    done: int = 0
    """Operations whose effects are in memory."""
    interrupted: int = 0
    """NPU_OP_IRQs so far."""
    events: list[Event] = field(default_factory=list)


class Engine:
    """Runs one program at a time.

    Effects are lazy: memory changes when a run ends, stops, faults, is reset or reaches an
    NPU_OP_IRQ, by all operations that have ended by then.

    Parameters
    ----------
    clock
        Virtual time.
    hz
        NPU clock.
    interrupted
        Called at each NPU_OP_IRQ with its mask.
    finished
        Called at the end of each run that ends.
    extra_cycles
        Added to each run before its first operation.
    """

    def __init__(
        self,
        clock: Clock,
        hz: int,
        interrupted: Callable[[int], None],
        finished: Callable[[Finish], None],
        extra_cycles: int = 0,
    ) -> None:
        self.observers: list[Callable[[RunEvent], None]] = []
        self.runs = 0
        """Runs started since power-on."""
        self._clock = clock
        self._hz = hz
        self._interrupted = interrupted
        self._finished = finished
        self._extra_cycles = extra_cycles
        self._active_ns = 0
        self._mac_cycles = 0
        self._injected: tuple[Ending, int] | None = None
        self._run: _Run | None = None
        self._last: Operation | None = None

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    @property
    def active_ns(self) -> int:
        """Time spent running since power-on, in nanoseconds."""
        run = self._run
        return self._active_ns + (0 if run is None else self._clock.now_ns - run.start_ns)

    @property
    def mac_cycles(self) -> int:
        """Cycles that ended convolutions would take with every multiplier in use."""
        ended = self._ended()
        run = self._run
        return self._mac_cycles + (run.program.macs[ended - 1] if run is not None and ended else 0)

    @property
    def offset(self) -> int:
        """Queue offset in bytes that the present run has reached, from where it began."""
        return 0 if self._run is None else self._run.program.offset(self._ended())

    @property
    def last_operation(self) -> Operation | None:
        """Operation that ended last; None before the first one of the present run."""
        run = self._run
        if run is None:
            return self._last
        ended = self._ended()
        return run.program.operations[ended - 1] if ended else None

    def inject(self, fault: Ending, at_op: int) -> None:
        """Let the next run end with ``fault``, or hang, once ``at_op`` operations have ended.

        Raises
        ------
        HocketError
            ``fault`` is no fault.
        """
        kinds = (*FAULTS, Ending.HANG)
        if fault not in kinds or at_op < 0:
            raise HocketError(
                "not a fault that can be injected",
                found=f"{fault} at operation {at_op}",
                expected=", ".join(map(str, kinds)) + " at operation 0 or later",
            )
        self._injected = (fault, at_op)

    def _elapsed(self, run: _Run) -> int:
        """Cycles into the program, after those that every run has to wait."""
        cycles = ns_to_cycles(self._clock.now_ns - run.start_ns, self._hz)
        return max(cycles - self._extra_cycles, 0)

    def _ended(self) -> int:
        run = self._run
        return 0 if run is None else run.program.ended(self._elapsed(run))

    def _instant(self, run: _Run, cycles: int) -> int:
        at_ns = run.start_ns + cycles_to_ns(cycles + self._extra_cycles, self._hz)
        return max(at_ns, self._clock.now_ns)

    def start(self, program: Program, bound: Executable | None, qbase: int) -> None:
        """Start a program; the engine must be idle.

        Parameters
        ----------
        program, bound
            What `Programs.bind` gave.
        qbase
            Address of the queue, for observers.
        """
        if self._injected is not None:
            (fault, at_op), self._injected = self._injected, None
            at_op = min(at_op, len(program.operations))
            program = program.cut(at_op, fault, HocketError(f"injected {fault.value}"))
        run = self._run = _Run(self.runs, program, bound, qbase, self._clock.now_ns)
        self.runs += 1
        self._schedule(run)
        self._notify("start", run, program.cycles() + self._extra_cycles)
        if program.ending is Ending.HANG:
            self._notify("hang", run, 0, program.ending, program.error)

    def _schedule(self, run: _Run) -> None:
        for event in run.events:
            self._clock.cancel(event)
        run.events.clear()
        program = run.program
        for operations, mask in program.interrupts[run.interrupted :]:
            at_ns = self._instant(run, program.cycles_of(operations))
            action = partial(self._interrupt, run, operations, mask)
            run.events.append(self._clock.at(at_ns, action, "NPU_OP_IRQ"))
        if program.ending is not Ending.HANG:
            at_ns = self._instant(run, program.cycles())
            run.events.append(self._clock.at(at_ns, partial(self._finish, run), "NPU run ends"))

    def request_stop(self) -> None:
        """End the run after the operations that have been started by now.

        A run whose last operation is under way ends by itself; one that hangs does not stop.
        """
        run = self._run
        if run is None or run.program.ending in (Ending.HANG, Ending.REQUEST):
            return
        started = run.program.started(self._elapsed(run))
        if started < len(run.program.operations):
            run.program = run.program.cut(started, Ending.REQUEST, None)
            self._schedule(run)

    def abandon(self) -> None:
        """Reset: what has ended is in memory, what is under way is lost."""
        run = self._run
        if run is not None:
            self._execute(run, self._ended())
            self._leave(run, "reset", None, None)
        self._last = None

    def _execute(self, run: _Run, operations: int) -> HocketError | None:
        """Make the effects of the first ``operations`` visible; the error if the data is bad."""
        first, run.done = run.done, max(run.done, operations)
        if run.bound is not None and run.done > first:
            try:
                run.bound.run(first, run.done)
            except HocketError as error:
                return error
        return None

    def _interrupt(self, run: _Run, operations: int, mask: int) -> None:
        run.interrupted += 1
        error = self._execute(run, operations)
        if error is not None:
            run.program = run.program.cut(operations, Ending.WEIGHT_FAULT, error)
            self._finish(run)
            return
        self._notify("irq", run, self._elapsed(run))
        self._interrupted(mask)

    def _finish(self, run: _Run) -> None:
        program = run.program
        ending, error = program.ending, program.error
        data_error = self._execute(run, len(program.operations))
        if data_error is not None:
            ending, error = Ending.WEIGHT_FAULT, data_error
        kind: Kind = "end"
        offset = program.size
        if ending in FAULTS:
            kind = "fault"
        elif ending is Ending.REQUEST:
            kind = "stop"
        if kind != "end":
            offset = program.offset(run.done)
        self._leave(run, kind, ending, error)
        mask = program.stop_mask if ending is Ending.STOP else 0
        self._finished(Finish(ending, offset, mask))

    def _leave(
        self, run: _Run, kind: Kind, ending: Ending | None, error: HocketError | None
    ) -> None:
        for event in run.events:
            self._clock.cancel(event)
        elapsed_ns = self._clock.now_ns - run.start_ns
        self._active_ns += elapsed_ns
        if run.done:
            self._mac_cycles += run.program.macs[run.done - 1]
            self._last = run.program.operations[run.done - 1]
        self._run = None
        self._notify(kind, run, ns_to_cycles(elapsed_ns, self._hz), ending, error)

    def _notify(
        self,
        kind: Kind,
        run: _Run,
        cycles: int,
        ending: Ending | None = None,
        error: HocketError | None = None,
    ) -> None:
        if not self.observers:
            return
        event = RunEvent(
            kind, self._clock.now_ns, run.ordinal, run.qbase, run.done, cycles, ending, error
        )
        for observer in self.observers:
            observer(event)
