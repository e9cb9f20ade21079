# SPDX-License-Identifier: Apache-2.0
"""The board under firmware that an interpreter of this computer runs: CPython or MicroPython.

No CPU is emulated: the firmware says what its own work takes, and virtual time, memories,
interrupts, devices and the NPU are here.
"""

from __future__ import annotations

from collections.abc import Callable

from hocket_host.board.board import Board
from hocket_host.errors import HocketError
from hocket_host.ethosu.device.register_map import WINDOW_BYTES
from hocket_host.sim.bus import Bus, Memory
from hocket_host.sim.clock import Clock
from hocket_host.sim.irq import InterruptController, InterruptError
from hocket_host.sim.timer import Timer
from hocket_host.sim.uart import Uart
from hocket_host.units import cycles_to_ns

from .common.npu_options import NpuOptions

_DEVICE_BYTES = 0x1000

#: Reads in a row of one unchanged register after which a loop that polls it is charged.
_POLL_READS = 2
#: Looks at the clock in a row, with nothing else done, after which a waiting loop is charged.
_POLL_CLOCK = 1000
#: CPU cycles of one turn of such a loop.
_POLL_CPU_CYCLES = 16


class IdleError(HocketError):
    """The CPU waits for an interrupt that can never come."""


class HostedBoard:
    """An emulated board; implements ``hocket_host.machines.cpython.shims.Machine``.

    Time passes in `advance` and `wait_for_interrupt`, and at interrupt entry, which costs the
    board's IRQ_CPU_CYCLES. Instructions and register accesses are free: who runs firmware on it
    charges the board's measured costs of dispatch and resume with `advance`, from the firmware's
    own hooks. Only a loop that polls one register, or the time, is charged for each turn, since
    otherwise it could never end.

    Parameters
    ----------
    board
        Memory map, interrupt numbers, costs.
    npu
        How its NPU is modelled.
    cpu_hz
        Clock of the CPU; None for that of ``board``.
    uart_output
        Called with each byte sent by UART 0.

    Raises
    ------
    BusMapError
        The board's memory map contradicts itself.
    MachineError
        ``npu`` does not say which.
    """

    def __init__(
        self,
        board: Board,
        npu: NpuOptions,
        *,
        cpu_hz: int | None = None,
        uart_output: Callable[[bytes], None] | None = None,
    ) -> None:
        self.board = board
        self.cpu_hz = board.cpu_hz if cpu_hz is None else cpu_hz
        self.clock = Clock()
        self.interrupts = InterruptController(self._charge_entry)
        self.bus = Bus(
            [
                Memory("flash", board.flash_base, board.flash_size, writable=False),
                Memory("sram", board.sram_base, board.sram_size),
            ]
        )

        self.npu = npu.build(board.path, self.clock, self.bus, self._line(board.npu_irq))
        self.bus.add_device("npu", board.npu_base, WINDOW_BYTES, self.npu)
        if board.npu_secure_base is not None and board.npu_secure_base != board.npu_base:
            self.bus.add_alias("npu", board.npu_secure_base)
        self.uart = Uart(
            uart_output,
            tx_level=self._line(board.uart0_tx_irq),
            rx_level=self._line(board.uart0_rx_irq),
        )
        self.bus.add_device("uart0", board.uart0_base, _DEVICE_BYTES, self.uart)
        self.timer: Timer | None = None
        if board.timer0_base is not None:
            self.timer = Timer(self.clock, self.cpu_hz, self._line(board.timer0_irq))
            self.bus.add_device("timer0", board.timer0_base, _DEVICE_BYTES, self.timer)
        self.idle_ns = 0
        """Time spent asleep in `wait_for_interrupt`."""
        self._polled: tuple[int, int] | None = None
        self._polls = 0

    def _line(self, number: int | None) -> Callable[[bool], None]:
        if number is None:
            return lambda high: None
        return lambda high: self.interrupts.set_level(number, high)

    # For who follows its jobs --------------------------------------------------------------------

    @property
    def container_base(self) -> int:
        """Where a container goes."""
        return self.board.flash_base

    def read_memory(self, address: int, length: int) -> bytes:
        """Bytes of plain memory.

        Raises
        ------
        BusFault
            The range is not inside one memory.
        """
        return bytes(self.bus.view(address, length))

    # The Machine protocol ------------------------------------------------------------------------

    def read(self, address: int, size: int) -> int:
        """Load 1, 2 or 4 bytes, unsigned and little-endian.

        Raises
        ------
        BusFault
            Unmapped or unaligned.
        """
        value = self.bus.read(address, size)
        if self._polled != (address, value):
            self._polled = (address, value)
            self._polls = 0
        self._polls += 1
        if self._polls > _POLL_READS and self.bus.window(address).device is not None:
            self._pass(cycles_to_ns(_POLL_CPU_CYCLES, self.cpu_hz))
        return value

    def write(self, address: int, size: int, value: int) -> None:
        """Store 1, 2 or 4 bytes, little-endian.

        Raises
        ------
        BusFault
            Unmapped, unaligned or read-only.
        """
        self._polled = None
        self.bus.write(address, size, value)
        # A store can raise an interrupt at once (a UART that is ready to send).
        self.interrupts.deliver()

    def view(self, address: int, length: int) -> memoryview:
        """Plain memory in place, of format ``B``; read-only in flash.

        Raises
        ------
        BusFault
            The range is not inside one memory window.
        """
        self._polled = None
        return self.bus.view(address, length)

    def now_ns(self) -> int:
        """Virtual time in nanoseconds."""
        if self._polled != (-1, 0):
            self._polled = (-1, 0)
            self._polls = 0
        self._polls += 1
        if self._polls > _POLL_CLOCK:
            self._pass(cycles_to_ns(_POLL_CPU_CYCLES, self.cpu_hz))
        return self.clock.now_ns

    def advance(self, ns: int) -> None:
        """Let the CPU compute for ``ns`` nanoseconds.

        Events inside happen at their own instants; handlers run then, and their time comes on top
        of ``ns``.
        """
        self._polled = None
        self._pass(ns)

    def wait_for_interrupt(self, until_ns: int | None) -> None:
        """Sleep until an interrupt is taken (or is pending, when masked), at most to ``until_ns``.

        Raises
        ------
        InterruptError
            Called from an interrupt handler.
        IdleError
            No limit was given and nothing can ever raise an interrupt.
        """
        self._polled = None
        if self.interrupts.active is not None:
            raise InterruptError(
                "a handler waits for an interrupt",
                where=f"interrupt {self.interrupts.active}",
                found="wait_for_interrupt inside its handler",
                expected="handlers that return, so that other interrupts are taken",
            )
        taken = self.interrupts.taken
        while True:
            self.interrupts.deliver()
            if self.interrupts.taken != taken or self.interrupts.wakes:
                return
            due_ns, now_ns = self.clock.next_ns, self.clock.now_ns
            if until_ns is not None and (due_ns is None or due_ns > until_ns):
                if until_ns > now_ns:
                    self.clock.move_to(until_ns)
                    self.idle_ns += until_ns - now_ns
                return
            if due_ns is None:
                raise IdleError(
                    "the CPU sleeps for ever",
                    where=f"{now_ns} ns",
                    found="no event in the machine and no limit to the wait",
                    expected="a running NPU or timer, or until_ns",
                    try_="look for a run that was never started or a job that awaits itself",
                )
            self.clock.fire_next()
            self.idle_ns += due_ns - now_ns

    def set_irq_handler(self, number: int, handler: Callable[[int], object] | None) -> None:
        """Call ``handler(number)`` on interrupt ``number``; None disables it."""
        self.interrupts.set_handler(number, handler)

    def disable_irq(self) -> object:
        """Mask interrupts; the result is for `enable_irq`."""
        return self.interrupts.disable()

    def enable_irq(self, state: object) -> None:
        """Restore the mask; what is pending is taken at once if that unmasks it."""
        self._polled = None
        self.interrupts.enable(bool(state))

    # Time ----------------------------------------------------------------------------------------

    def _pass(self, ns: int) -> None:
        if ns < 0:
            raise HocketError(
                "time cannot run backwards", found=f"{ns} ns", expected="0 ns or more"
            )
        while True:
            self.interrupts.deliver()
            due_ns, now_ns = self.clock.next_ns, self.clock.now_ns
            if due_ns is None or due_ns > now_ns + ns:
                self.clock.move_to(now_ns + ns)
                return
            ns -= due_ns - now_ns
            self.clock.fire_next()

    def _charge_entry(self, line: int) -> None:
        del line
        self._pass(cycles_to_ns(self.board.irq_cpu_cycles, self.cpu_hz))
