# SPDX-License-Identifier: Apache-2.0
"""The Ethos-U as software sees it: a memory-mapped device that runs command streams.

Offsets, bits and reset values follow the register descriptions that Vela publishes
(``ethos_u55_regs``) and what Arm's driver does with them. Choices where no document binds are the
harsher ones, so that nothing comes to rest on luck: registers and SHRAM are lost at the end of
every run, and a queue that ends without NPU_OP_STOP ends without an interrupt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hocket_host.errors import HocketError
from hocket_host.sim.bus import Bus, BusFault
from hocket_host.sim.clock import Clock, Event
from hocket_host.units import cycles_to_ns, ns_to_cycles

from ..compute.faults import Extent
from ..config import NpuConfig
from .engine import Engine, Finish, RunEvent
from .interfaces import Executable
from .pmu import Pmu, PmuEvent
from .queue import Ending, Program, Programs
from .register_map import (
    COMMAND_WINDOWS,
    CONFIGURATION,
    IDENTITY,
    REGIONS,
    RESET_CYCLES,
    WRITABLE_BITS,
    Command,
    Reg,
    Status,
)

__all__ = ["Command", "Ending", "EthosU", "NpuProgrammingError", "Reg", "RunEvent", "Status"]

_FAULT_BITS = {
    Ending.PARSE_ERROR: Status.PARSE_ERROR,
    Ending.BUS_ABORT: Status.BUS_ABORT,
    Ending.WEIGHT_FAULT: Status.WEIGHT_FAULT,
}


class NpuProgrammingError(HocketError):
    """A use of the NPU's registers that silicon would ignore or answer unpredictably."""


class EthosU:
    """The NPU's register interface.

    Parameters
    ----------
    config
        The accelerator.
    clock, bus
        Virtual time, and the address space it fetches from.
    programs
        Streams planned by the functional model and timed.
    hz
        NPU clock.
    irq
        Drives the interrupt line.
    strict
        Raise `NpuProgrammingError` for programming errors rather than only noting them in
        `problems`.
    scramble
        Show garbage in the debug windows once a run is over.
    extra_cycles
        Added to each run before its first operation.
    """

    def __init__(
        self,
        config: NpuConfig,
        clock: Clock,
        bus: Bus,
        programs: Programs,
        *,
        hz: int,
        irq: Callable[[bool], None],
        strict: bool = False,
        scramble: bool = False,
        extra_cycles: int = 0,
    ) -> None:
        self.config = config
        self.strict = strict
        self.scramble = scramble
        self.problems: list[str] = []
        self.engine = Engine(clock, hz, self._interrupted, self._finished, extra_cycles)
        self.hz = hz
        self._clock = clock
        self._bus = bus
        self._programs = programs
        self._irq_line = irq
        self._reset_event: Event | None = None
        engine = self.engine
        self._pmu = Pmu(
            {
                PmuEvent.CYCLE: lambda: ns_to_cycles(clock.now_ns, hz),
                PmuEvent.NPU_ACTIVE: lambda: ns_to_cycles(engine.active_ns, hz),
                PmuEvent.NPU_IDLE: lambda: ns_to_cycles(clock.now_ns - engine.active_ns, hz),
                PmuEvent.MAC_ACTIVE: lambda: engine.mac_cycles,
            }
        )
        self._reset(0)

    # Host side -----------------------------------------------------------------------------------

    @property
    def observers(self) -> list[Callable[[RunEvent], None]]:
        """Called with every `RunEvent`; append to it."""
        return self.engine.observers

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self.engine.running

    def inject(self, fault: Ending, at_op: int) -> None:
        """Let the next run fault or hang once ``at_op`` operations have ended (`Engine.inject`)."""
        self.engine.inject(fault, at_op)

    # Register file -------------------------------------------------------------------------------

    def read(self, offset: int, size: int) -> int:
        """Read a 32-bit register; unknown ones are zero.

        Raises
        ------
        BusFault
            The access is not 32 bits wide.
        """
        self._check_width(offset, size)
        if offset in self._values:
            return self._values[offset]
        if offset == Reg.ID:
            return self.config.id_register
        if offset == Reg.CONFIG:
            return self.config.config_register
        if offset == Reg.STATUS:
            return self._read_status()
        if offset == Reg.CMD:
            return self._power
        if offset == Reg.QREAD:
            return self._progress + self.engine.offset
        if offset == Reg.PROT:
            return self._prot
        if 0x180 <= offset < 0x390:
            return self._pmu.read(offset)
        if 0x400 <= offset < 0xB5C:
            return self._read_debug(offset)
        return IDENTITY.get(offset, 0)

    def write(self, offset: int, size: int, value: int) -> None:
        """Write a 32-bit register; writes to read-only ones are ignored.

        Raises
        ------
        BusFault
            The access is not 32 bits wide.
        NpuProgrammingError
            With ``strict``: the write is one that a driver must not make.
        """
        self._check_width(offset, size)
        if offset == Reg.RESET:
            self._reset(value)
        elif self._reset_event is not None:
            self._problem(f"register {offset:#x} is written during a reset", "STATUS bit 3 clear")
        elif offset == Reg.CMD:
            self._command(value)
        elif offset in CONFIGURATION:
            self._configure(offset, value)
        elif offset == Reg.LOCK:
            self._values[offset] = value
        elif 0x180 <= offset < 0x390:
            self._pmu.write(offset, value)

    @staticmethod
    def _check_width(offset: int, size: int) -> None:
        if size != 4:
            raise BusFault(
                "the NPU's registers are 32 bits wide",
                offset,
                f"an access of {size} bytes at this offset",
                "an access of 4 bytes",
                "use mem32",
            )

    def _problem(self, message: str, expected: str) -> None:
        self.problems.append(f"{self._clock.now_ns} ns: {message}")
        if self.strict:
            raise NpuProgrammingError(
                message, where=f"Ethos-U at {self._clock.now_ns} ns", expected=expected
            )

    def _configure(self, offset: int, value: int) -> None:
        if self.engine.running:
            self._problem(
                f"register {offset:#x} is written while a stream runs", "STATUS bit 0 clear"
            )
            return
        high = offset == Reg.QBASE_HI or (offset >= Reg.BASEP0 and offset & 4)
        if high:
            value &= (1 << self.config.address_bits - 32) - 1
        self._values[offset] = value & WRITABLE_BITS.get(offset, 0xFFFF_FFFF)
        if offset in (Reg.QBASE, Reg.QBASE_HI, Reg.QSIZE):
            self._progress = 0
            self._status &= ~Status.END_REACHED

    def _read_status(self) -> int:
        status = int(self._status)
        status |= Status.RUNNING if self.engine.running else 0
        status |= Status.RESETTING if self._reset_event is not None else 0
        status |= Status.PMU_IRQ if self._pmu.irq else 0
        return status | self._history << 16

    def _read_debug(self, offset: int) -> int:
        """Command registers as the last operation saw them; SHRAM is the model's and reads zero."""
        if self.scramble and not self.engine.running:
            return (offset * 0x9E37_79B1 + self.engine.runs * 0x85EB_CA6B) & 0xFFFF_FFFF
        operation = self.engine.last_operation
        if operation is None or offset not in COMMAND_WINDOWS:
            return 0
        key, shift = COMMAND_WINDOWS[offset]
        return operation.registers.get(key, 0) >> shift & 0xFFFF_FFFF

    # Commands ------------------------------------------------------------------------------------

    def _command(self, value: int) -> None:
        self._power = value & int(Command.CLOCK_Q | Command.POWER_Q)
        self._history &= ~(value >> 16)
        if value & Command.CLEAR_IRQ:
            self._status &= ~Status.IRQ
            self._irq_line(False)
        if value & Command.STOP:
            self.engine.request_stop()
        if value & Command.RUN:
            self._start()

    def _raise_irq(self) -> None:
        self._status |= Status.IRQ
        self._irq_line(True)

    def _reset(self, value: int) -> None:
        self.engine.abandon()
        self._clock.cancel(self._reset_event)
        self._values: dict[int, int] = dict.fromkeys([*CONFIGURATION, Reg.LOCK], 0)
        self._status = Status(0)
        self._history = 0
        self._power = int(Command.CLOCK_Q | Command.POWER_Q)
        self._prot = value & 3
        self._progress = 0
        self._pmu.reset()
        self._irq_line(False)
        self._reset_event = self._clock.after(
            cycles_to_ns(RESET_CYCLES, self.hz), self._reset_done, "NPU reset"
        )

    def _reset_done(self) -> None:
        self._reset_event = None

    # Runs ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        if self.engine.running:
            self._problem("a run is started while a stream runs", "STATUS bit 0 clear")
            return
        if self._status & (Status.BUS_ABORT | Status.PARSE_ERROR | Status.WEIGHT_FAULT):
            self._problem("a run is started after a fault", "a reset after any fault")
            return
        if self._status & Status.IRQ:
            self._problem("a run is started with the interrupt raised", "CMD.clear_irq before run")
        base = self._values[Reg.QBASE] | self._values[Reg.QBASE_HI] << 32
        program, bound = self._prepare(base)
        self._status &= ~Status.END_REACHED
        self.engine.start(program, bound, base)

    def _interrupted(self, mask: int) -> None:
        self._history |= mask
        self._raise_irq()

    def _finished(self, finish: Finish) -> None:
        self._progress += finish.offset
        self._history |= finish.mask
        self._status |= _FAULT_BITS.get(finish.ending, Status(0))
        if finish.ending in (Ending.STOP, Ending.QUEUE_END):
            self._status |= Status.END_REACHED
        if finish.ending is Ending.QUEUE_END:
            self._problem("the queue ends without NPU_OP_STOP", "NPU_OP_STOP as the last command")
        else:
            self._raise_irq()

    def _prepare(self, base: int) -> tuple[Program, Executable | None]:
        """Fetch, compile and bind what the queue registers point to."""
        values = self._values
        if base % 16 or values[Reg.QSIZE] % 4:
            self._problem(
                f"QBASE {base:#x} or QSIZE {values[Reg.QSIZE]} is not aligned",
                "QBASE a multiple of 16, QSIZE of 4",
            )
        start = (base & ~15) + self._progress
        size = max((values[Reg.QSIZE] & ~3) - self._progress, 0)
        try:
            at = self._bus.offset_of(start, size)
        except HocketError as error:
            return self._programs.load(b"").cut(0, Ending.BUS_ABORT, error), None
        program = self._programs.load(self._bus.memory[at : at + size].tobytes())
        bases: list[int | None] = []
        room: list[tuple[int, int]] = []
        for region in range(REGIONS):
            low = Reg.BASEP0 + 8 * region
            address = values[low] | values[low + 4] << 32
            window = self._bus.find(address)
            if window is None or window.device is not None:
                bases.append(None)
                room.append((0, 0))
            else:
                bases.append(window.offset + address - window.base)
                room.append((window.base - address, window.end - address))
        return self._programs.bind(program, tuple(bases), tuple(room), self._extents())

    def _extents(self) -> Sequence[Extent]:
        found = {
            w.offset: Extent(w.offset, w.size, w.writable)
            for w in self._bus.windows
            if w.device is None
        }
        return tuple(found[offset] for offset in sorted(found))
