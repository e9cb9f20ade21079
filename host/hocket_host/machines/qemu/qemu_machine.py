# SPDX-License-Identifier: Apache-2.0
"""A platform on QEMU: CPU, timers and UART are QEMU's, the NPU is Hocket's.

QEMU's machine answers at the NPU's own addresses, without an NPU. So the image has to look for
it where the machine has nothing; an access there faults, and the shim (``shim.S``) under the
guest's fault handler asks the host. While the guest is blocked in a semihosting call, its time
stands still, and NPU events are armed as deadlines of a hardware timer, so that runs are the same
to the byte.

The shim takes some of the guest's time: an access to the NPU some 60 instructions, an NPU event
some 40. It uses SYSTIMER1 with its interrupt, the 32 kHz watchdog with NMI, the first MiB of the
DDR and, while something is typed, the memory protection unit. A guest that enables the exceptions
of bus and memory faults (SHCSR) is not served.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from hocket_host.board.repl.platform import Platform
from hocket_host.ethosu.device.interfaces import FunctionalModel
from hocket_host.ethosu.device.register_map import WINDOW_BYTES
from hocket_host.ethosu.device.registers import Command, EthosU, Reg
from hocket_host.ethosu.device.shadow import ShadowedModel
from hocket_host.sim.bus import Bus, BusFault

from ..common.elf import ElfImage
from ..common.emulated_machine import EmulatedMachine, Stop
from ..common.npu_options import NpuOptions
from . import fit, shim, thumb
from .console import BASE as UART
from .console import SIZE as UART_BYTES
from .console import Console
from .errors import QemuError
from .guest import QemuGuest
from .line import InterruptLine
from .mailbox import Kind
from .memory import GuestBus

#: Where QEMU's machine has nothing.
NPU_WINDOW = 0x4820_0000
#: Longest time without a deadline. When QEMU skips a longer sleep in one step it may miss an expiry
#: of the guest's SysTick.
_PACE_NS = 5_000_000
#: Ranges of the guest's memory that are nearer than this are fetched together.
_NEAR = 1024


class QemuMachine(EmulatedMachine):
    """A platform that runs a firmware image on QEMU, whose machine the platform must agree with.

    Parameters
    ----------
    elf
        The image. It is left a note of where its NPU is (NOTE_BASE in the board's description).
    gdb
        A device of QEMU's ``-gdb`` option, such as ``tcp:127.0.0.1:1234``: the machine waits there
        for a debugger.
    wall_limit_s
        Longest time of the host without a sign from the guest (access to the NPU, output, the
        instant asked for); None, or a debugger, waits for ever.

    Raises
    ------
    QemuError
        QEMU or the cross compiler is not installed, or QEMU cannot place the platform.
    """

    _VECTORS = True

    def __init__(
        self,
        platform: Platform,
        elf: ElfImage | str | Path,
        container: bytes | None = None,
        *,
        npu: NpuOptions = NpuOptions(),  # noqa: B008 - frozen
        container_base: int | None = None,
        uart_output: Callable[[bytes], None] | None = None,
        gdb: str | None = None,
        wall_limit_s: float | None = 600.0,
    ) -> None:
        self._gdb = gdb
        self._limit_s = wall_limit_s if gdb is None else None
        super().__init__(
            platform, elf, container,
            npu=npu, container_base=container_base, uart_output=uart_output,
        )  # fmt: skip

    def _check(self, platform: Platform) -> None:
        fit.check(platform)

    def _build(self, npu: NpuOptions, uart_output: Callable[[bytes], None]) -> None:
        platform = self.platform
        self.accesses = 0
        """Accesses to the NPU's registers so far."""
        self._output = uart_output
        self._sign_s = 0.0
        built = shim.build()
        self._bus = GuestBus(platform, built)
        self._guest = QemuGuest(
            self._bus, built, fit.redirected(self.image, built), fit.handlers(self.image),
            (NPU_WINDOW, WINDOW_BYTES), UART, self._heard,
            gdb=self._gdb, wall_limit_s=self._limit_s,
        )  # fmt: skip
        self._bus.loaded = self._guest.store
        self._npu: EthosU | None = None
        if platform.npu is not None:
            line = InterruptLine(platform.npu.irq, self.clock, self._guest)
            self._npu = npu.build(platform.path, self.clock, self._bus, line.drive, self._shadowed)
        self._armed_ns: int | None = None
        self._pace_ns = 0
        self._epoch_ns = 0
        self._console = Console(
            self.clock, self._guest, platform.uarts[0].rx_irq if platform.uarts else None
        )

    def _shadowed(self, model: FunctionalModel) -> FunctionalModel:
        guest = self._guest
        return ShadowedModel(model, guest.fetch, guest.store, self._bus.copied, near=_NEAR)

    # For the caller ------------------------------------------------------------------------------

    def close(self) -> None:
        """End QEMU."""
        self._guest.close()
        self._bus.close()

    @property
    def npu(self) -> EthosU | None:
        """The accelerator; None if the platform has none."""
        return self._npu

    @property
    def bus(self) -> Bus:
        """The memories, as the NPU sees them."""
        return self._bus

    @property
    def now_ns(self) -> int:
        """Virtual time when the guest was last heard of."""
        return self.clock.now_ns

    @property
    def instructions(self) -> int | None:
        """Instructions executed since power-on, the shim's included; None where QEMU cannot count.

        QEMU counts whole blocks: one that an exception breaks off is counted to its end.
        """
        return self._guest.instructions

    @property
    def exit_code(self) -> int | None:
        """What the guest ended with; None while it runs."""
        return self._guest.exit_code

    def read_memory(self, address: int, length: int) -> bytes:
        """As of `EmulatedMachine`."""
        at = self._bus.offset_of(address, length)
        self._guest.fetch([*self._bus.copied(at, at + length)])
        return bytes(self._bus.memory[at : at + length])

    def write_memory(self, address: int, data: bytes) -> None:
        """As of `EmulatedMachine`; before the first run, only what lies in the DDR.

        Raises
        ------
        QemuError
            The machine has not run yet, and the range is not in the DDR.
        """
        self._bus.load(address, data)

    def feed(self, data: bytes) -> None:
        """Type into the first UART; characters arrive one after another, as at 115200 baud."""
        self._console.feed(data)

    def run_until(self, when_ns: int | None = None) -> Stop:
        """Run until an instant or the end of the program.

        Parameters
        ----------
        when_ns
            Virtual time, reached within a microsecond unless the guest holds interrupts off (one
            that disables them is found out within a millisecond); None sets no limit.

        Raises
        ------
        QemuError
            The guest locked up, gave no sign within ``wall_limit_s``, or accessed the NPU by an
            instruction that cannot be carried out.
        NpuProgrammingError
            With ``strict``.
        """
        guest = self._guest
        self._sign_s = time.monotonic()
        try:
            if not guest.started:
                guest.start()
                self._serve()
            while guest.exit_code is None:
                if self._stopped():
                    return Stop("request", self.now_ns)
                if when_ns is not None and self.now_ns >= when_ns:
                    return Stop("time", self.now_ns)
                self._arm(when_ns)
                if guest.proceed():
                    self._serve()
                if when_ns is None:
                    self._insist_on_signs()
        except BaseException:
            self.close()
            raise
        return Stop("exit", self.now_ns, guest.exit_code)

    def _heard(self, data: bytes) -> None:
        self._sign_s = time.monotonic()
        self._output(data)

    def _insist_on_signs(self) -> None:
        if self._limit_s is not None and time.monotonic() - self._sign_s > self._limit_s:
            raise QemuError(
                "the guest hangs", where=f"{self.now_ns} ns",
                found=f"{self._limit_s} s without a sign",
                expected="an access to the NPU, output, or the end of the program",
                try_="give run_until an instant, or raise wall_limit_s",
            )  # fmt: skip

    # When the guest rings ------------------------------------------------------------------------

    def _serve(self) -> None:
        kind = self._guest.kind
        if kind is Kind.RESET:
            self._epoch_ns = self.now_ns
            self._armed_ns = None
            self._console.reset()
            self._leave_note()
            if self.npu is not None and self.now_ns:
                self.npu.write(Reg.RESET, 4, 0)
        elif kind is Kind.TIMER:
            self._armed_ns = None
        self.clock.run_until(max(self._epoch_ns + self._guest.elapsed_ns, self.now_ns))
        if kind is Kind.ACCESS:
            self._sign_s = time.monotonic()
            self._access()

    def _leave_note(self) -> None:
        npu = self.platform.npu
        if npu is not None:
            address, magic = fit.note()
            for index, word in enumerate((magic, NPU_WINDOW, npu.irq)):
                self._guest.poke(address + 4 * index, word)

    def _arm(self, until_ns: int | None) -> None:
        if self._armed_ns is None:
            self._pace_ns = self.now_ns + _PACE_NS
        wanted = (self.clock.next_ns, until_ns, self._pace_ns)
        due_ns = min(t for t in wanted if t is not None)
        if due_ns != self._armed_ns:
            self._guest.arm(due_ns - self._epoch_ns)
            self._armed_ns = due_ns

    def _access(self) -> None:
        """Carry out the load or store that faulted."""
        registers = self._guest.registers()
        transfer = thumb.decode(self._guest.code(), registers)
        address = transfer.address
        try:
            for register in transfer.registers:
                if transfer.load:
                    value = self._read(address, transfer.size)
                    registers[register] = thumb.extend(value, transfer.size, transfer.signed)
                else:
                    self._write(address, transfer.size, registers[register])
                address += transfer.size
        except BusFault:
            self._guest.refuse()
            return
        if transfer.writeback is not None:
            base, value = transfer.writeback
            registers[base] = value
        thumb.step_over(registers, transfer.length)
        self._guest.set_registers(registers)

    def _read(self, address: int, size: int) -> int:
        if UART <= address < UART + UART_BYTES:
            return self._console.read(address - UART)
        assert self.npu is not None
        self.accesses += 1
        return self.npu.read(address - NPU_WINDOW, size)

    def _write(self, address: int, size: int, value: int) -> None:
        if UART <= address < UART + UART_BYTES:
            self._console.write(address - UART, value)
            return
        npu = self.npu
        assert npu is not None
        self.accesses += 1
        if address == NPU_WINDOW + Reg.CMD and value & Command.RUN:
            self._fetch_queue(npu)
        npu.write(address - NPU_WINDOW, size, value)

    def _fetch_queue(self, npu: EthosU) -> None:
        """The register interface reads the queue from the shadow when a run starts."""
        base = npu.read(Reg.QBASE, 4) | npu.read(Reg.QBASE_HI, 4) << 32
        try:
            window = self._bus.window(base)
            at = self._bus.offset_of(base)
        except BusFault:
            return
        size = min(npu.read(Reg.QSIZE, 4), window.end - base)
        self._guest.fetch([*self._bus.copied(at, at + size)])
