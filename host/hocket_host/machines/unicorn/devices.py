# SPDX-License-Identifier: Apache-2.0
"""Memories, devices and NPU of a platform, on one bus and one clock."""

from __future__ import annotations

from collections.abc import Callable

from hocket_host.board.repl.platform import Platform
from hocket_host.ethosu.device.registers import EthosU, Reg
from hocket_host.sim import timer as timer_registers
from hocket_host.sim import uart as uart_registers
from hocket_host.sim.bus import Bus, BusFault, Memory
from hocket_host.sim.clock import Clock
from hocket_host.sim.timer import Timer
from hocket_host.sim.uart import Uart

from ..common.emulated_machine import does_not_fit
from ..common.npu_options import NpuOptions

_DEVICE_BYTES = 0x1000


class PlatformDevices:
    """What the CPU's bus reaches.

    Parameters
    ----------
    platform
        Memory map and interrupts.
    clock
        Virtual time.
    npu
        The NPU's model.
    set_level
        Drives an interrupt line of the CPU.

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
        self._set_level = set_level
        self.bus = Bus([Memory(m.name, m.base, m.size) for m in platform.memories])
        self.uarts = [
            Uart(tx_level=self._line(p.tx_irq), rx_level=self._line(p.rx_irq))
            for p in platform.uarts
        ]
        self.timers = [Timer(clock, p.hz, self._line(p.irq)) for p in platform.timers]
        self.npu: EthosU | None = None
        if platform.npu is not None:
            irq = self._line(platform.npu.irq)
            self.npu = npu.build(platform.path, clock, self.bus, irq)
        for port, uart in zip(platform.uarts, self.uarts, strict=True):
            self.bus.add_device(port.name, port.base, _DEVICE_BYTES, uart)
        for timer_port, timer in zip(platform.timers, self.timers, strict=True):
            self.bus.add_device(timer_port.name, timer_port.base, _DEVICE_BYTES, timer)
        if platform.npu is not None and self.npu is not None:
            self.bus.add_device("npu", platform.npu.base, platform.npu.size, self.npu)
            for base in platform.npu.aliases:
                self.bus.add_alias("npu", base)

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
        if not self.store(base, data):
            raise does_not_fit(what, self.platform, base, len(data), where, try_)
