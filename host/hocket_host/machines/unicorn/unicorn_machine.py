# SPDX-License-Identifier: Apache-2.0
"""A platform on Unicorn: CPU, memories, devices and NPU in one virtual time.

One instruction takes one cycle of the CPU. Events happen at the first cycle at or after their
instant, interrupts are taken between two instructions, and sleep costs no work, so two runs of one
image are the same to the byte.
"""

from __future__ import annotations

from collections.abc import Callable

from hocket_host.ethosu.device.registers import EthosU
from hocket_host.sim.bus import Bus
from hocket_host.units import cycles_to_ns

from ..common.emulated_machine import EmulatedMachine, Stop
from ..common.npu_options import NpuOptions
from .cpu import Cpu, ExceptionEvent
from .devices import PlatformDevices
from .faults import FaultReport

#: Longest slice, so that the host's own interrupts are seen.
_SLICE = 1 << 21


class UnicornMachine(EmulatedMachine):
    """A platform that runs a firmware image on the bundled emulator.

    Raises
    ------
    MachineError
        There is no vector table, too.
    EngineError
        The extra ``emulator`` is not installed.
    """

    def _build(self, npu: NpuOptions, uart_output: Callable[[bytes], None]) -> None:
        platform = self.platform
        self._cpu = Cpu(
            self.image, self.clock, platform.cpu_hz, platform.nvic.priority_mask, uart_output
        )
        self.time = self._cpu.time
        self.system = PlatformDevices(platform, self.clock, npu, self._cpu.nvic.set_level)
        self._cpu.attach(self.system)
        if self.system.uarts:
            self.system.uarts[0].output = uart_output
        for segment in self.image.segments:
            self.system.place(
                segment.load_address,
                segment.data,
                f"segment at {segment.address:#x}",
                self.image.path,
                "link it into the platform's memories",
            )

    def _power_on(self) -> None:
        self._cpu.power_on()

    @property
    def npu(self) -> EthosU | None:
        """The accelerator; None if the platform has none."""
        return self.system.npu

    @property
    def bus(self) -> Bus:
        """The memories, as the NPU sees them."""
        return self.system.bus

    @property
    def problems(self) -> list[str]:
        """What went wrong so far, in words: misuse of the NPU, faults of the CPU."""
        return super().problems + [str(fault) for fault in self.faults]

    @property
    def faults(self) -> list[FaultReport]:
        """Faults that were raised, in order."""
        return self._cpu.faults

    @property
    def fault_observers(self) -> list[Callable[[FaultReport], None]]:
        """Called with each fault as it is taken; append to it. One may raise to end the run."""
        return self._cpu.fault_observers

    @property
    def exception_observers(self) -> list[Callable[[ExceptionEvent], None]]:
        """Called with every `ExceptionEvent`; append to it."""
        return self._cpu.observers

    # Memory of the guest -------------------------------------------------------------------------

    def read_memory(self, address: int, length: int) -> bytes:
        """As of `EmulatedMachine`."""
        return bytes(self.bus.view(address, length))

    def write_memory(self, address: int, data: bytes) -> None:
        """As of `EmulatedMachine`."""
        self.bus.load(address, data)
        self._cpu.engine.forget_code()

    # Running -------------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """Virtual time."""
        return max(cycles_to_ns(self.time.cycles, self.time.hz), self.clock.now_ns)

    @property
    def instructions(self) -> int:
        """Instructions executed since power-on."""
        return self.time.executed()

    def watch(self, symbol: str, called: Callable[[list[int]], None]) -> None:
        """Report every call of a function of the image, with its first four words of arguments.

        Raises
        ------
        ElfError
            The image has no such symbol.
        """
        engine = self._cpu.engine
        names = ("r0", "r1", "r2", "r3")
        engine.watch(self.image.symbol(symbol).address & ~1, lambda: called(engine.get_all(names)))

    def registers(self) -> dict[str, int]:
        """General registers, PC and xPSR, between two instructions."""
        return self._cpu.registers()

    def feed(self, data: bytes, uart: int = 0) -> None:
        """Send bytes to a UART of the machine."""
        self.system.uarts[uart].feed(data)

    def stop(self) -> None:
        """End the run that is under way; for callbacks."""
        super().stop()
        self._cpu.attend()

    def run_until(self, when_ns: int | None = None) -> Stop:
        """Run until an instant, the end of the program, or for ever asleep.

        Parameters
        ----------
        when_ns
            Virtual time; None sets no limit.

        Raises
        ------
        LockupError
            The CPU locked up.
        """
        cpu, time = self._cpu, self.time
        target = None if when_ns is None else time.cycle_of(when_ns)
        while True:
            if self._stopped():
                return Stop("request", self.now_ns)
            if cpu.reset_wanted:
                self.system.reset_devices()
                cpu.power_on()
            if cpu.nvic.pending and not cpu.sleeping:
                cpu.deliver()
            now = time.cycles
            if target is not None and now >= target:
                self.clock.run_until(max(when_ns or 0, self.clock.now_ns))
                return Stop("time", self.now_ns)
            due = time.next_cycle()
            if due is not None and due <= now:
                time.sync()
                continue
            if cpu.sleeping:
                if cpu.wakes():
                    cpu.sleeping = False
                    continue
                ends = [c for c in (due, target) if c is not None]
                if not ends:
                    return Stop("idle", self.now_ns)
                time.sleep_to(min(ends))
                continue
            ends = [c for c in (due, target, now + _SLICE) if c is not None]
            code = cpu.run_slice(min(ends) - now)
            if code is not None:
                return Stop("exit", self.now_ns, code)
