# SPDX-License-Identifier: Apache-2.0
"""The CPU: engine, exceptions and private peripherals, run in slices of instructions.

A slice ends at its count, when an exception becomes deliverable, at a trap or a fault. What the
engine cannot do by itself (exceptions, sleep, semihosting) is done between two slices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn

from hocket_host.sim.bus import BusFault, Device
from hocket_host.sim.clock import Clock

from ..common.elf import ElfImage
from ..common.errors import MachineError
from . import exceptions as e
from . import nvic as x
from . import scs
from .cputime import CpuTime
from .devices import PlatformDevices
from .engine import Engine
from .exceptions import Exceptions, Lockup
from .faults import GENERAL, Cause, FaultReport, LockupError, backtrace
from .nvic import Nvic
from .semihosting import BREAKPOINT, Semihosting
from .systick import SysTick

#: Unmasking cannot be seen from outside. So while an interrupt is pending but held back by PRIMASK,
#: BASEPRI or FAULTMASK, instructions are run one by one; after this many, in slices of some.
_MASKED_EXACT = 4096
_MASKED_SLICE = 64
_WFE, _YIELD = 0xBF20, 0xBF10
_UNALIGNED_ACCESS = "an access to a device is not aligned to its size, or wider than a word"
_THUMB = 1 << 24
#: What else it may be than a mistake of the program.
_NEWER = "Armv8.1-M and MVE are not emulated (QEMU and Renode have them)"

# The engine's numbers of exceptions.
_SUPERVISOR, _PREFETCH, _BREAKPOINT, _EXIT = 2, 3, 7, 8
_NO_COPROCESSOR, _INVALID_STATE, _UNALIGNED = 17, 18, 22


@dataclass(frozen=True)
class ExceptionEvent:
    """An exception is entered, or returned from."""

    number: int
    """As in IPSR."""
    entered: bool
    at_ns: int
    instructions: int
    """Executed since power-on."""


class Cpu:
    """One CPU in front of a system.

    Parameters
    ----------
    image
        Symbols for reports.
    clock, hz
        Virtual time, and the CPU's clock.
    priority_mask
        Bits of a priority that exist.
    output
        Called with what the image writes by semihosting.

    Raises
    ------
    EngineError
        The engine is not installed or not known.
    """

    def __init__(
        self,
        image: ElfImage,
        clock: Clock,
        hz: int,
        priority_mask: int,
        output: Callable[[bytes], None],
    ) -> None:
        self.faults: list[FaultReport] = []
        self.fault_observers: list[Callable[[FaultReport], None]] = []
        self.observers: list[Callable[[ExceptionEvent], None]] = []
        self.sleeping = False
        self.reset_wanted = False
        self._image = image
        self._clock = clock
        self._output = output
        self.engine = Engine(self._trapped, self._invalid_access)
        self.time = CpuTime(clock, hz, lambda: self.engine.counter)
        self.nvic = Nvic(priority_mask, self.attend)
        self._systick = SysTick(self.time, lambda: self.nvic.pend(x.SYS_TICK))
        self._scs = scs.SystemControl(
            self.nvic,
            self._systick,
            lambda: self.time.cycles,
            lambda: self._exceptions.current,
            self._request_reset,
        )
        self._in_slice = False
        self._slice_due_ns: int | None = None
        self._masked = 0
        """Instructions since an interrupt is pending but masked."""
        self._trap: int | None = None
        self._bad_access: tuple[int, str] | None = None
        self._device_fault: tuple[int, str, list[int]] | None = None

    def attach(self, system: PlatformDevices) -> None:
        """Map what the CPU reaches."""
        self._system = system
        self._exceptions = Exceptions(self.engine, self.nvic, self._scs, system.load, system.store)
        self._semihosting = Semihosting(
            self.engine, system.load, system.store, lambda: self._clock.now_ns, self._output
        )
        for memory in system.platform.memories:
            at = system.bus.offset_of(memory.base, memory.size)
            self.engine.map_memory(memory.base, system.bus.memory[at : at + memory.size])
        for window in system.bus.windows:
            if window.device is not None:
                self._map_device(window.base, window.size, window.device)
        self.engine.map_device(scs.BASE, scs.SIZE, self._read_private, self._write_private)

    def _map_device(self, base: int, size: int, device: Device) -> None:
        def read(offset: int, width: int) -> int:
            self.time.sync()
            value = 0
            if width > 4 or offset % width:
                self._note_device_fault(base + offset, _UNALIGNED_ACCESS)
                return value
            try:
                value = device.read(offset, width)
            except BusFault as fault:
                self._note_device_fault(base + offset, fault.message)
            self._resume()
            return value

        def write(offset: int, width: int, value: int) -> None:
            self.time.sync()
            if width > 4 or offset % width:
                self._note_device_fault(base + offset, _UNALIGNED_ACCESS)
                return
            try:
                device.write(offset, width, value)
            except BusFault as fault:
                self._note_device_fault(base + offset, fault.message)
            self._resume()

        self.engine.map_device(base, size, read, write)

    def power_on(self) -> None:
        """Begin at the vector table at address 0.

        Raises
        ------
        MachineError
            There is none.
        """
        self.sleeping = self.reset_wanted = False
        self._systick.reset()
        self._scs.reset()
        self.nvic.reset()
        memory = self._system
        vectors = memory.load(0, 8).ljust(8, b"\0")
        sp, pc = (int.from_bytes(vectors[i : i + 4], "little") for i in (0, 4))
        if not (pc & 1 and memory.is_memory(pc & ~1, 2) and memory.is_memory(sp - 4, 4)):
            raise MachineError(
                "there is no vector table at address 0",
                where=self._image.path,
                found=f"stack pointer {sp:#x}, reset handler {pc:#x}",
                expected="a stack pointer in memory and a Thumb address in memory",
                try_="link the vector table to address 0",
            )
        self._exceptions.reset()
        for name in ("primask", "basepri", "faultmask", "control", "fpscr", "psp"):
            self.engine.set(name, 0)
        for name in GENERAL[:13]:
            self.engine.set(name, 0)
        self.engine.set("msp", sp & ~3)
        self.engine.set("lr", 0xFFFF_FFFF)
        self.engine.set("pc", pc)

    def registers(self) -> dict[str, int]:
        """General registers, PC and xPSR."""
        return dict(zip(GENERAL, self.engine.get_all(GENERAL), strict=True))

    # Called while the engine runs ----------------------------------------------------------------

    def attend(self) -> None:
        """An exception became pending: let the slice end after this instruction."""
        if self._in_slice:
            self.engine.shorten(self.engine.counter)

    def _resume(self) -> None:
        """An access may have asked for an event before the slice's end."""
        due_ns = self._clock.next_ns
        if due_ns != self._slice_due_ns and due_ns is not None:
            ahead = self.time.cycle_of(due_ns) - self.time.cycles
            self.engine.shorten(self.engine.counter + max(ahead - 1, 0))

    def _read_private(self, offset: int, size: int) -> int:
        self.time.sync()
        value = self._scs.read(offset, size)
        self._resume()
        return value

    def _write_private(self, offset: int, size: int, value: int) -> None:
        self.time.sync()
        self._scs.write(offset, size, value)
        self._resume()

    def _note_device_fault(self, address: int, text: str) -> None:
        # The access goes on; registers are put back once the instruction is over.
        if self._device_fault is None:
            self._device_fault = (address, text, self.engine.get_all(GENERAL[:-1]))
            self.engine.shorten(self.engine.counter)

    def _trapped(self, number: int) -> None:
        self._trap = number

    def _invalid_access(self, address: int, kind: str) -> None:
        self._bad_access = (address, kind)

    def _request_reset(self) -> None:
        self.reset_wanted = True
        self.attend()

    # Between two instructions --------------------------------------------------------------------

    def wakes(self) -> bool:
        """Whether a sleep ends: by any interrupt that PRIMASK alone would hold back."""
        if not self.nvic.pending:
            return False
        _, basepri, faultmask = self._exceptions.masks()
        return self.nvic.candidate(0, basepri, faultmask) is not None

    def deliver(self) -> bool:
        """Take the most urgent exception that may preempt; whether there was one."""
        number = self.nvic.candidate(*self._exceptions.masks())
        if number is None:
            return False
        self._enter(number)
        return True

    def _enter(self, number: int) -> None:
        cause = Cause(number, 0, f"{x.name_of(number)} cannot be entered")
        try:
            self._exceptions.take(number)
        except Lockup:
            self._lock_up(self._report(cause))
        self._notify(number, entered=True)
        if self._exceptions.current != number:
            # It was entered without a frame or a vector, and that fault on top.
            self._record(self._report(cause), self._exceptions.current)

    def _notify(self, number: int, *, entered: bool) -> None:
        if self.observers:
            event = ExceptionEvent(number, entered, self._clock.now_ns, self.time.executed())
            for observer in self.observers:
                observer(event)

    def run_slice(self, count: int) -> int | None:
        """Run at most ``count`` instructions and serve what ended them; an exit code ends all."""
        nvic = self.nvic
        masked = bool(nvic.pending) and nvic.candidate(0, 0, 0) is not None
        if masked:
            count = min(count, 1 if self._masked < _MASKED_EXACT else _MASKED_SLICE)
        engine = self.engine
        start = engine.get("pc")
        self._trap = self._bad_access = None
        self._in_slice = True
        self._slice_due_ns = self._clock.next_ns
        self.time.begin()
        try:
            executed, end = engine.run(start, count)
        except BaseException:
            # A device or a callback of the host's ended the run inside an instruction.
            self.time.end(engine.counter)
            raise
        finally:
            self._in_slice = False
        self._masked = self._masked + executed if masked else 0
        self.time.end(executed)
        self.time.sync()
        if self._device_fault is not None:
            self._take_device_fault()
        elif self._trap is not None:
            return self._serve_trap(self._trap)
        elif end == "failed":
            self._serve_failure(start, executed)
        elif end == "halted":
            self.sleeping = True
        return None

    def _halfword(self, address: int) -> int:
        return int.from_bytes(self._system.load(address, 2).ljust(2, b"\0"), "little")

    # What ends a slice ---------------------------------------------------------------------------

    def _serve_trap(self, trap: int) -> int | None:
        """Serve an exception of the engine; an exit code ends the run."""
        engine = self.engine
        pc = engine.get("pc")
        if trap == _EXIT:
            # The branch to EXC_RETURN leaves it in PC, without its lowest bit.
            self._notify(self._exceptions.current, entered=False)
            cause = self._exceptions.leave(pc | 1)
            if cause is not None:
                self._fault(cause)
            elif self._exceptions.current == 0 and self._scs.sleep_on_exit:
                self.sleeping = True
        elif trap == _SUPERVISOR:
            if self.nvic.can_take(x.SVCALL, *self._exceptions.masks()):
                self._enter(x.SVCALL)
            else:
                self._fault(Cause(x.HARD_FAULT, 0, "SVC where SVCall cannot be taken"))
        elif trap == _BREAKPOINT:
            if self._halfword(pc) == BREAKPOINT:
                engine.set("pc", pc + 2 | 1)
                return self._semihosting.call()
            self._fault(Cause(x.HARD_FAULT, 0, "breakpoint without a debugger"))
        elif trap == _INVALID_STATE:
            self._fault(Cause(x.USAGE_FAULT, e.INVSTATE, "branch to an address without Thumb bit"))
        elif trap == _NO_COPROCESSOR:
            self._fault(Cause(x.USAGE_FAULT, e.NOCP, f"no such coprocessor; {_NEWER}"))
        elif trap == _UNALIGNED:
            self._fault(Cause(x.USAGE_FAULT, e.UNALIGNED, "unaligned access"))
        elif trap == _PREFETCH:
            self._fault(Cause(x.MEM_MANAGE, e.IACCVIOL, "execution where none is allowed", pc))
        else:
            self._fault(Cause(x.BUS_FAULT, e.PRECISERR, f"access refused (engine's trap {trap})"))
        return None

    def _serve_failure(self, start: int, executed: int) -> None:
        pc = self.engine.get("pc")
        if self._bad_access is not None:
            address, kind = self._bad_access
            bits = e.IBUSERR if kind == "fetch" else e.PRECISERR | e.BFARVALID
            text = f"{kind} at {address:#010x}, where nothing is mapped"
            self._fault(Cause(x.BUS_FAULT, bits, text, address))
        elif not (pc == start and executed <= 1) and self._halfword(pc - 2) in (_WFE, _YIELD):
            # Hints that the engine reports as invalid once they are over.
            return
        elif not self.engine.get("xpsr") & _THUMB:
            self._fault(Cause(x.USAGE_FAULT, e.INVSTATE, "branch to an address without Thumb bit"))
        else:
            code = self._system.load(pc, 4).hex(" ", 2)
            text = f"undefined instruction {code}; {_NEWER}"
            self._fault(Cause(x.USAGE_FAULT, e.UNDEFINSTR, text))

    def _take_device_fault(self) -> None:
        assert self._device_fault is not None
        address, text, values = self._device_fault
        self._device_fault = None
        for name, value in zip(GENERAL, values, strict=False):
            self.engine.set(name, value | 1 if name == "pc" else value)
        self._fault(Cause(x.BUS_FAULT, e.PRECISERR | e.BFARVALID, text, address))

    def _fault(self, cause: Cause) -> None:
        report = self._report(cause)
        try:
            number = self._exceptions.raise_fault(cause)
        except Lockup:
            self._lock_up(report)
        else:
            self._notify(number, entered=True)
            self._record(report, number)

    def _record(self, report: FaultReport, taken: int) -> None:
        report = replace(report, taken=x.name_of(taken))
        self.faults.append(report)
        for observer in self.fault_observers:
            observer(report)

    def _lock_up(self, report: FaultReport) -> NoReturn:
        self.faults.append(report)
        raise LockupError(report)

    def _report(self, cause: Cause) -> FaultReport:
        registers = self.registers()
        return FaultReport(
            x.name_of(cause.exception),
            "lockup",
            cause.text,
            self._clock.now_ns,
            registers,
            cause.address,
            backtrace(self._image, registers, self._system.load),
        )
