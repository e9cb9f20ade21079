# SPDX-License-Identifier: Apache-2.0
"""The machine: processor, memories, devices and NPU of a platform, in one virtual time.

One instruction takes one cycle of the processor. Events happen at the first cycle at or after their
instant, interrupts are taken between two instructions, and sleep costs no work, so two runs of one
image are the same to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..ethosu.config import NpuConfig
from ..ethosu.queue import Model, TimingModel
from ..ethosu.system import SystemConfig
from ..repl.platform import Platform
from ..soc.bus import Bus, BusFault, Device
from ..soc.clock import Clock
from ..units import cycles_to_ns
from . import exceptions as e
from . import nvic as x
from . import scs
from .cputime import CpuTime
from .elf import ElfImage, load_elf
from .engine import Engine
from .exceptions import Exceptions, Lockup
from .faults import GENERAL, Cause, FaultReport, LockupError, backtrace
from .nvic import Nvic
from .semihosting import BREAKPOINT, Semihosting
from .system import MachineError, NpuOptions, System
from .systick import SysTick

#: Longest slice, so that the host's own interrupts are seen.
_SLICE = 1 << 21
#: Unmasking cannot be seen from outside. So while an interrupt is pending but held back by PRIMASK,
#: BASEPRI or FAULTMASK, instructions are run one by one; after this many, in slices of some.
_MASKED_EXACT = 4096
_MASKED_SLICE = 64
_WFE, _YIELD = 0xBF20, 0xBF10
_UNALIGNED_ACCESS = "an access to a device is not aligned to its size, or wider than a word"

# The engine's numbers of exceptions.
_SUPERVISOR, _PREFETCH, _BREAKPOINT, _EXIT = 2, 3, 7, 8
_NO_COPROCESSOR, _INVALID_STATE, _UNALIGNED = 17, 18, 22

StopReason = Literal["time", "exit", "idle", "request"]


@dataclass(frozen=True)
class Stop:
    """Why a run came back."""

    reason: StopReason
    """``time``: the asked-for instant; ``exit``: by semihosting; ``idle``: asleep for ever unless
    something is fed in; ``request``: `Machine.stop` was called."""
    at_ns: int
    exit_code: int | None = None


@dataclass(frozen=True)
class ExceptionEvent:
    """An exception is entered, or returned from."""

    number: int
    """As in IPSR."""
    entered: bool
    at_ns: int
    instructions: int
    """Executed since power-on."""


class Machine:
    """A platform that runs a firmware image.

    Parameters
    ----------
    platform
        Memory map, interrupts, clock (`hocket_host.repl.load`).
    elf
        The image, or its path.
    container
        Bytes of a .hkt file, put where the firmware reads it; None for none.
    npu_config, system_config
        The accelerator and the memories behind it; needed if the platform has one.
    container_base
        Where the container goes; by default the start of the memory named ``flash``.
    uart_output
        Called with each byte that the first UART sends.
    console_output
        Called with what the image writes by semihosting; by default as `uart_output`.
    on_fault
        Called with each fault as it is taken; it may raise to end the run. All are kept in
        `faults`, too.
    npu_hz
        NPU clock; by default that of `system_config`.
    strict, scramble
        As of `EthosU`.
    model, timing
        Replacements of the NPU's functional and timing model.

    Raises
    ------
    ElfError
        The image cannot run here.
    MachineError
        Image or container do not fit the platform's memories, or there is no vector table.
    EngineError
        The extra ``emulator`` is not installed.
    """

    def __init__(
        self,
        platform: Platform,
        elf: ElfImage | str | Path,
        container: bytes | None = None,
        *,
        npu_config: NpuConfig | None = None,
        system_config: SystemConfig | None = None,
        container_base: int | None = None,
        uart_output: Callable[[bytes], None] | None = None,
        console_output: Callable[[bytes], None] | None = None,
        on_fault: Callable[[FaultReport], None] | None = None,
        npu_hz: int | None = None,
        strict: bool = False,
        scramble: bool = False,
        model: Callable[[Bus], Model] | None = None,
        timing: TimingModel | None = None,
    ) -> None:
        self.platform = platform
        self.image = elf if isinstance(elf, ElfImage) else load_elf(elf)
        self.on_fault = on_fault
        self.faults: list[FaultReport] = []
        """Faults that were raised, in order."""
        self.exceptions_taken = 0
        """Interrupts and other asynchronous exceptions entered."""
        self.exception_observers: list[Callable[[ExceptionEvent], None]] = []
        """Called with every `ExceptionEvent`; append to it."""
        self.clock = Clock()
        self._engine = Engine(self._trapped, self._invalid_access)
        self.time = CpuTime(self.clock, platform.cpu_hz, lambda: self._engine.counter)
        self.nvic = Nvic(platform.nvic.priority_mask, self._attend)
        self._systick = SysTick(self.time, lambda: self.nvic.pend(x.SYS_TICK))
        self._scs = scs.SystemControl(
            self.nvic, self._systick, lambda: self.time.cycles, lambda: self._exceptions.current,
            self._request_reset,
        )  # fmt: skip
        self.system = System(
            platform,
            self.clock,
            NpuOptions(npu_config, system_config, npu_hz, strict, scramble, model, timing),
            self.nvic.set_level,
        )
        self.bus, self.npu = self.system.bus, self.system.npu
        self._load_some = self.system.load
        self._exceptions = Exceptions(
            self._engine, self.nvic, self._scs, self.system.load, self.system.store
        )
        if self.system.uarts:
            self.system.uarts[0].output = uart_output
        self._map()
        self._semihosting = Semihosting(
            self._engine,
            self.system.load,
            self.system.store,
            lambda: self.now_ns,
            console_output or uart_output or (lambda data: None),
        )
        self._in_slice = False
        self._slice_due_ns: int | None = None
        self._masked = 0
        """Instructions since an interrupt is pending but masked."""
        self._sleeping = False
        self._reset_wanted = False
        self._stop_wanted = False
        self._trap: int | None = None
        self._bad_access: tuple[int, str] | None = None
        self._device_fault: tuple[int, str, list[int]] | None = None
        self._load_image()
        if container is not None:
            self.load_container(container, container_base)
        self._power_on()

    # Building ------------------------------------------------------------------------------------

    def _map(self) -> None:
        for memory in self.platform.memories:
            at = self.bus.offset_of(memory.base, memory.size)
            self._engine.map_memory(memory.base, self.bus.memory[at : at + memory.size])
        for window in self.bus.windows:
            if window.device is not None:
                self._map_device(window.base, window.size, window.device)
        self._engine.map_device(scs.BASE, scs.SIZE, self._read_private, self._write_private)

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

        self._engine.map_device(base, size, read, write)

    def _load_image(self) -> None:
        for segment in self.image.segments:
            self.system.place(
                segment.load_address,
                segment.data,
                f"segment at {segment.address:#x}",
                self.image.path,
                "link it into the platform's memories",
            )

    def load_container(self, container: bytes, base: int | None = None) -> None:
        """Put a container into memory, before the firmware looks for it.

        Raises
        ------
        MachineError
            It does not fit.
        """
        self.system.place(
            self.system.container_base() if base is None else base,
            container,
            "the container",
            self.platform.path,
            "pack fewer or smaller networks",
        )
        self._engine.forget_code()

    def _power_on(self) -> None:
        vectors = self.bus.view(0, 8) if self.system.is_memory(0, 8) else bytes(8)
        sp, pc = (int.from_bytes(vectors[i : i + 4], "little") for i in (0, 4))
        if not (pc & 1 and self.system.is_memory(pc & ~1, 2) and self.system.is_memory(sp - 4, 4)):
            raise MachineError(
                "there is no vector table at address 0", where=self.image.path,
                found=f"stack pointer {sp:#x}, reset handler {pc:#x}",
                expected="a stack pointer in memory and a Thumb address in memory",
                try_="link the vector table to address 0",
            )  # fmt: skip
        self._exceptions.reset()
        for name in ("primask", "basepri", "faultmask", "control", "fpscr"):
            self._engine.set(name, 0)
        for name in (*(f"r{i}" for i in range(13)), "psp"):
            self._engine.set(name, 0)
        self._engine.set("msp", sp & ~3)
        self._engine.set("lr", 0xFFFF_FFFF)
        self._engine.set("pc", pc)

    # Memory of the guest -------------------------------------------------------------------------

    def read_memory(self, address: int, length: int) -> bytes:
        """Bytes of plain memory.

        Raises
        ------
        BusFault
            The range is not inside one memory.
        """
        return bytes(self.bus.view(address, length))

    def write_memory(self, address: int, data: bytes) -> None:
        """Change plain memory from outside; code, too.

        Raises
        ------
        BusFault
            The range is not inside one memory.
        """
        self.bus.load(address, data)
        self._engine.forget_code()

    # Called while the engine runs ----------------------------------------------------------------

    def _attend(self) -> None:
        """An exception became pending: let the slice end after this instruction."""
        if self._in_slice:
            self._engine.shorten(self._engine.counter)

    def _resume(self) -> None:
        """An access may have asked for an event before the slice's end."""
        due_ns = self.clock.next_ns
        if due_ns != self._slice_due_ns and due_ns is not None:
            ahead = self.time.cycle_of(due_ns) - self.time.cycles
            self._engine.shorten(self._engine.counter + max(ahead - 1, 0))

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
            self._device_fault = (address, text, self._engine.get_all(GENERAL[:-1]))
            self._engine.shorten(self._engine.counter)

    def _trapped(self, number: int) -> None:
        self._trap = number

    def _invalid_access(self, address: int, kind: str) -> None:
        self._bad_access = (address, kind)

    def _request_reset(self) -> None:
        self._reset_wanted = True
        self._attend()

    # Running -------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Virtual time."""
        return max(cycles_to_ns(self.time.cycles, self.time.hz), self.clock.now_ns)

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on."""
        return self.time.executed()

    def registers(self) -> dict[str, int]:
        """General registers, PC and xPSR, between two instructions."""
        return dict(zip(GENERAL, self._engine.get_all(GENERAL), strict=True))

    def feed(self, data: bytes, uart: int = 0) -> None:
        """Send bytes to a UART of the machine."""
        self.system.uarts[uart].feed(data)

    def stop(self) -> None:
        """End the run that is under way; for callbacks."""
        self._stop_wanted = True
        self._attend()

    def run_for(self, ns: int) -> Stop:
        """Run for a while of virtual time; see `run_until`."""
        return self.run_until(self.now_ns + ns)

    def run_until(self, when_ns: int | None = None) -> Stop:
        """Run until an instant, the end of the program, or for ever asleep.

        Parameters
        ----------
        when_ns
            Virtual time; None sets no limit.

        Raises
        ------
        LockupError
            The processor locked up.
        """
        target = None if when_ns is None else self.time.cycle_of(when_ns)
        while True:
            if self._stop_wanted:
                self._stop_wanted = False
                return Stop("request", self.now_ns)
            if self._reset_wanted:
                self._reset()
            if self.nvic.pending and not self._sleeping:
                self._deliver()
            now = self.time.cycles
            if target is not None and now >= target:
                self.clock.run_until(max(when_ns or 0, self.clock.now_ns))
                return Stop("time", self.now_ns)
            due = self.time.next_cycle()
            if due is not None and due <= now:
                self.time.sync()
                continue
            if self._sleeping:
                if self._wakes():
                    self._sleeping = False
                    continue
                ends = [c for c in (due, target) if c is not None]
                if not ends:
                    return Stop("idle", self.now_ns)
                self.time.sleep_to(min(ends))
                continue
            code = self._slice(min(c for c in (due, target, now + _SLICE) if c is not None) - now)
            if code is not None:
                return Stop("exit", self.now_ns, code)

    def _wakes(self) -> bool:
        """Whether a sleep ends: by any interrupt that PRIMASK alone would hold back."""
        if not self.nvic.pending:
            return False
        _, basepri, faultmask = self._exceptions.masks()
        return self.nvic.candidate(0, basepri, faultmask) is not None

    def _deliver(self) -> None:
        number = self.nvic.candidate(*self._exceptions.masks())
        if number is not None:
            self.exceptions_taken += 1
            try:
                self._exceptions.take(number)
            except Lockup:
                self._lock_up(Cause(number, 0, f"{x.name_of(number)} cannot be entered"))
            self._notify(number, entered=True)

    def _notify(self, number: int, *, entered: bool) -> None:
        if self.exception_observers:
            event = ExceptionEvent(number, entered, self.now_ns, self.instructions)
            for observer in self.exception_observers:
                observer(event)

    def _slice(self, count: int) -> int | None:
        """Run at most ``count`` instructions and serve what ended them; an exit code ends all."""
        nvic = self.nvic
        masked = bool(nvic.pending) and nvic.candidate(0, 0, 0) is not None
        if masked:
            count = min(count, 1 if self._masked < _MASKED_EXACT else _MASKED_SLICE)
        engine = self._engine
        start = engine.get("pc")
        self._trap = self._bad_access = None
        self._in_slice = True
        self._slice_due_ns = self.clock.next_ns
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
            self._sleeping = True
        return None

    def _halfword(self, address: int) -> int:
        return int.from_bytes(self._load_some(address, 2).ljust(2, b"\0"), "little")

    # What ends a slice ---------------------------------------------------------------------------

    def _serve_trap(self, trap: int) -> int | None:
        """Serve an exception of the engine; an exit code ends the run."""
        engine = self._engine
        pc = engine.get("pc")
        if trap == _EXIT:
            # The branch to EXC_RETURN leaves it in PC, without its lowest bit.
            self._notify(self._exceptions.current, entered=False)
            cause = self._exceptions.leave(pc | 1)
            if cause is not None:
                self._fault(cause)
            elif self._exceptions.current == 0 and self._scs.sleep_on_exit:
                self._sleeping = True
        elif trap == _SUPERVISOR:
            if self.nvic.can_take(x.SVCALL, *self._exceptions.masks()):
                self._exceptions.take(x.SVCALL)
                self._notify(x.SVCALL, entered=True)
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
            self._fault(Cause(x.USAGE_FAULT, e.NOCP, "no such coprocessor"))
        elif trap == _UNALIGNED:
            self._fault(Cause(x.USAGE_FAULT, e.UNALIGNED, "unaligned access"))
        elif trap == _PREFETCH:
            self._fault(Cause(x.MEM_MANAGE, e.IACCVIOL, "execution where none is allowed", pc))
        else:
            self._fault(Cause(x.BUS_FAULT, e.PRECISERR, f"access refused (engine's trap {trap})"))
        return None

    def _serve_failure(self, start: int, executed: int) -> None:
        pc = self._engine.get("pc")
        if self._bad_access is not None:
            address, kind = self._bad_access
            bits = e.IBUSERR if kind == "fetch" else e.PRECISERR | e.BFARVALID
            text = f"{kind} at {address:#010x}, where nothing is mapped"
            self._fault(Cause(x.BUS_FAULT, bits, text, address))
        elif not (pc == start and executed <= 1) and self._halfword(pc - 2) in (_WFE, _YIELD):
            # Hints that the engine reports as invalid once they are over.
            return
        elif not self._engine.get("xpsr") & 1 << 24:
            self._fault(Cause(x.USAGE_FAULT, e.INVSTATE, "branch to an address without Thumb bit"))
        else:
            code = self._load_some(pc, 4).hex(" ", 2)
            text = f"undefined instruction {code}"
            self._fault(Cause(x.USAGE_FAULT, e.UNDEFINSTR, text))

    def _take_device_fault(self) -> None:
        assert self._device_fault is not None
        address, text, values = self._device_fault
        self._device_fault = None
        for name, value in zip(GENERAL, values, strict=False):
            self._engine.set(name, value | 1 if name == "pc" else value)
        self._fault(Cause(x.BUS_FAULT, e.PRECISERR | e.BFARVALID, text, address))

    def _fault(self, cause: Cause) -> None:
        report = self._report(cause)
        try:
            number = self._exceptions.raise_fault(cause)
        except Lockup:
            self._lock_up(cause)
        else:
            self._notify(number, entered=True)
            report = replace(report, taken=x.name_of(number))
            self.faults.append(report)
            if self.on_fault is not None:
                self.on_fault(report)

    def _lock_up(self, cause: Cause) -> None:
        report = self._report(cause)
        self.faults.append(report)
        raise LockupError(report)

    def _report(self, cause: Cause) -> FaultReport:
        registers = self.registers()
        return FaultReport(
            x.name_of(cause.exception), "lockup", cause.text, self.now_ns, registers,
            cause.address, backtrace(self.image, registers, self._load_some),
        )  # fmt: skip

    def _reset(self) -> None:
        """SYSRESETREQ: processor and devices begin anew, memories keep what they hold."""
        self._reset_wanted = False
        self._sleeping = False
        self.system.reset_devices()
        self._systick.reset()
        self._scs.reset()
        self.nvic.reset()
        self._power_on()
