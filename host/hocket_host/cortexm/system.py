# SPDX-License-Identifier: Apache-2.0
"""Memories, devices and NPU of a platform, on one bus and one clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..errors import HocketError
from ..ethosu.config import NpuConfig
from ..ethosu.operation import Operation
from ..ethosu.queue import Model, Programs, TimingModel
from ..ethosu.registers import EthosU, Reg
from ..ethosu.system import SystemConfig
from ..ethosu.timing import StreamTiming, stream_cycles
from ..repl.platform import Platform
from ..soc import timer as timer_registers
from ..soc import uart as uart_registers
from ..soc.bus import Bus, BusFault, Memory
from ..soc.clock import Clock
from ..soc.timer import Timer
from ..soc.uart import Uart

_DEVICE_BYTES = 0x1000


class MachineError(HocketError):
    """An image, container or configuration that does not fit the platform."""


@dataclass(frozen=True)
class NpuOptions:
    """How the NPU of a platform is modelled; fields are those of `Machine`."""

    config: NpuConfig | None = None
    system: SystemConfig | None = None
    hz: int | None = None
    strict: bool = False
    scramble: bool = False
    model: Callable[[Bus], Model] | None = None
    timing: TimingModel | None = None


class System:
    """What the processor's bus reaches.

    Parameters
    ----------
    platform
        Memory map and interrupts.
    clock
        Virtual time.
    npu
        The NPU's model.
    set_level
        Drives an interrupt line of the processor.

    Raises
    ------
    MachineError
        The platform has an NPU and ``npu`` does not say which.
    """

    def __init__(
        self,
        platform: Platform,
        clock: Clock,
        npu: NpuOptions,
        set_level: Callable[[int, bool], None],
    ) -> None:
        self.platform = platform
        self._clock = clock
        self._set_level = set_level
        self.bus = Bus([Memory(m.name, m.base, m.size) for m in platform.memories])
        self.uarts = [
            Uart(tx_level=self._line(p.tx_irq), rx_level=self._line(p.rx_irq))
            for p in platform.uarts
        ]
        self.timers = [Timer(clock, p.hz, self._line(p.irq)) for p in platform.timers]
        self.npu: EthosU | None = None if platform.npu is None else self._make_npu(npu)
        for port, uart in zip(platform.uarts, self.uarts, strict=True):
            self.bus.add_device(port.name, port.base, _DEVICE_BYTES, uart)
        for timer_port, timer in zip(platform.timers, self.timers, strict=True):
            self.bus.add_device(timer_port.name, timer_port.base, _DEVICE_BYTES, timer)
        if platform.npu is not None and self.npu is not None:
            self.bus.add_device("npu", platform.npu.base, platform.npu.size, self.npu)
            for base in platform.npu.aliases:
                self.bus.add_alias("npu", base)

    def _make_npu(self, options: NpuOptions) -> EthosU:
        config, system, port = options.config, options.system, self.platform.npu
        assert port is not None
        hz = options.hz
        if hz is None and system is not None:
            hz = system.clock_hz
        if config is None or hz is None or (system is None and options.timing is None):
            raise MachineError(
                "the platform's NPU is not configured",
                where=self.platform.path,
                found="no npu_config, or no system_config",
                expected="both",
                try_="npu_config('ethos-u55-128') and parse_system_config(...)",
            )

        def stream_timing(operations: Sequence[Operation]) -> StreamTiming:
            assert system is not None
            return stream_cycles(operations, config, system)

        if options.model is None:
            # Compiled kernels take seconds to import; a replacement does without them.
            from ..ethosu.model import NpuModel

            functional: Model = NpuModel(config, self.bus.memory)
        else:
            functional = options.model(self.bus)
        timing = stream_timing if options.timing is None else options.timing
        return EthosU(
            config,
            self._clock,
            self.bus,
            Programs(functional, timing, config),
            hz=hz,
            irq=self._line(port.irq),
            strict=options.strict,
            scramble=options.scramble,
        )

    def _line(self, irq: int | None) -> Callable[[bool], None]:
        if irq is None:
            return lambda high: None
        return lambda high: self._set_level(irq, high)

    def reset_devices(self) -> None:
        """Bring devices to what they are after power-on; memories keep what they hold."""
        for uart in self.uarts:
            uart.write(uart_registers.CTRL, 4, 0)
            uart.write(uart_registers.INTSTATUS, 4, 0xF)
        for timer in self.timers:
            timer.write(timer_registers.CTRL, 4, 0)
            timer.write(timer_registers.INTSTATUS, 4, 1)
        if self.npu is not None:
            self.npu.write(Reg.RESET, 4, 0)

    # Memory --------------------------------------------------------------------------------------

    def is_memory(self, address: int, length: int) -> bool:
        """Whether a range is inside one memory."""
        try:
            self.bus.offset_of(address, length)
        except BusFault:
            return False
        return True

    def load(self, address: int, length: int) -> bytes:
        """Up to ``length`` bytes of memory: fewer where it ends."""
        try:
            window = self.bus.window(address)
        except BusFault:
            return b""
        if window.device is not None:
            return b""
        return bytes(self.bus.view(address, min(length, window.end - address)))

    def store(self, address: int, data: bytes) -> bool:
        """Store bytes; False where there is no memory for all of them."""
        if not self.is_memory(address, len(data)):
            return False
        self.bus.load(address, data)
        return True

    def place(self, base: int, data: bytes, what: str, where: str, try_: str) -> None:
        """Put part of an image into memory.

        Raises
        ------
        MachineError
            It does not fit; the message names ``what``, ``where`` and the remedy ``try_``.
        """
        if self.store(base, data):
            return
        memories = ", ".join(
            f"{m.name} {m.base:#x}..{m.base + m.size - 1:#x}" for m in self.platform.memories
        )
        raise MachineError(
            f"{what} does not fit the platform's memories",
            where=where,
            found=f"{len(data)} bytes at {base:#x}",
            expected=f"inside one of {memories}",
            try_=try_,
        )

    def container_base(self) -> int:
        """Where containers go.

        Raises
        ------
        MachineError
            The platform has no memory named ``flash``.
        """
        for memory in self.platform.memories:
            if memory.name == "flash":
                return memory.base
        raise MachineError(
            "nowhere to put the container",
            where=self.platform.path,
            found="no memory named flash",
            expected="flash, or container_base",
            try_="give container_base",
        )
