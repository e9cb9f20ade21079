# SPDX-License-Identifier: Apache-2.0
"""The guest as the host deals with it: blocked, and doing one list of calls after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hocket_host.ranges import Range

from . import mailbox as m
from .errors import QemuError
from .mailbox import Call, Kind, Mailbox, Record, record
from .memory import DDR_BYTES, GuestBus
from .qemu_process import QemuProcess
from .shim import Shim

#: The counter runs at 32 MHz. With deadlines that are no multiple of four ticks, 125 ns, rounding
#: inside QEMU lets the timer's interrupt come for ever without the time having come.
_TICKS, _TICKS_NS = 4, 125
#: The watchdog's clock, and how many of its ticks after a deadline it looks.
_SLOW_HZ, _SLOW_LATE = 32_000, 3


class QemuGuest:
    """A QEMU with the shim under its guest.

    What is asked of the guest (`arm`, `poke`) is done when it goes on; what the host needs at once
    (`peek`, `fetch`, `store`) is done in a turn of its own, which takes the guest a fixed number of
    instructions.

    Parameters
    ----------
    bus
        Its memory.
    built
        The shim.
    firmware
        The image with the shim's vectors.
    handlers
        The image's own handlers of reset, hard fault and NMI.
    window, uart
        What the host answers: address and size, and address of the UART, while it is closed.
    output
        Called with what the console sends.
    gdb, wall_limit_s
        As of `QemuMachine`.
    """

    def __init__(
        self,
        bus: GuestBus,
        built: Shim,
        firmware: bytes,
        handlers: tuple[int, int, int],
        window: tuple[int, int],
        uart: int,
        output: Callable[[bytes], None],
        *,
        gdb: str | None,
        wall_limit_s: float | None,
    ) -> None:
        self._bus = bus
        self._firmware = firmware
        self._handlers = handlers
        self._window = window
        self._uart = uart
        self._output = output
        self._gdb = gdb
        self._limit_s = wall_limit_s
        self._mailbox = Mailbox(bus.mailbox, built.mailbox)
        self._calls: list[Record] = []
        self._process: QemuProcess | None = None
        self._file = 0
        self._refused = False

    @property
    def started(self) -> bool:
        """Whether it has run."""
        return self._process is not None

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        return None if self._process is None else self._process.exit_code

    @property
    def instructions(self) -> int | None:
        """Instructions executed, the shim's included; None where nothing counts them."""
        return 0 if self._process is None else self._process.instructions

    @property
    def kind(self) -> Kind:
        """Why it rang."""
        return self._mailbox.kind

    @property
    def elapsed_ns(self) -> int:
        """Its time since reset, when it rang."""
        return self._mailbox.ticks * _TICKS_NS // _TICKS

    def start(self) -> None:
        """Start QEMU and wait for the guest's first sign, from under its reset handler."""

        def prepare(paths: tuple[str, str, str]) -> None:
            self._mailbox.prepare(
                window=self._window, uart=self._uart, handlers=self._handlers, paths=paths
            )

        self._process = QemuProcess(
            self._firmware, self._bus.descriptor, DDR_BYTES, prepare, self._output,
            gdb=self._gdb,
        )  # fmt: skip
        if not self._process.wait(self._limit_s):
            self._check_death()
            raise QemuError(
                "the guest ends before it begins", found=self._process.complaint() or "no message",
                expected="the shim's first call", try_="check that QEMU is 7.2 or later",
            )  # fmt: skip
        self._file = self._turn([self._mailbox.open_memory()])[0]

    def close(self) -> None:
        """End QEMU."""
        if self._process is not None:
            self._process.close()

    # What faulted --------------------------------------------------------------------------------

    def registers(self) -> list[int]:
        """R0 to R15 and xPSR at the access; R13 is not known."""
        return self._mailbox.registers()

    def set_registers(self, values: Sequence[int]) -> None:
        """Change what the guest goes on with."""
        self._mailbox.set_registers(values)

    def code(self) -> tuple[int, int]:
        """Both halfwords at the access."""
        return self._mailbox.code()

    def refuse(self) -> None:
        """Leave the access to the guest's own fault handler."""
        self._refused = True

    # Turns ---------------------------------------------------------------------------------------

    def proceed(self) -> bool:
        """Let the guest go on until it rings again; False when it ended instead."""
        process = self._process
        assert process is not None
        self._put([*self._calls, record(Call.RESUME)])
        self._calls.clear()
        self._mailbox.refuse(self._refused)
        self._refused = False
        process.release()
        rang = process.wait(self._limit_s)
        if not rang:
            self._check_death()
        return rang

    def _turn(self, calls: Sequence[Record]) -> list[int]:
        """Have calls carried out while the guest stays where it is; what they returned."""
        process = self._process
        assert process is not None
        results: list[int] = []
        for at in range(0, len(calls), m.CAPACITY):
            part = calls[at : at + m.CAPACITY]
            self._put([*part, record(Call.RING)])
            process.release()
            self._expect_bell(process)
            results += [self._mailbox.result(i) for i in range(len(part))]
        return results

    def _expect_bell(self, process: QemuProcess) -> None:
        if not process.wait(self._limit_s):
            self._check_death()
            raise QemuError(
                "QEMU ends in the middle of a call", found=process.complaint() or "no message",
                expected="the call's result", try_="report this with the image",
            )  # fmt: skip

    def _put(self, calls: Sequence[Record]) -> None:
        self._mailbox.put(calls)

    def _check_death(self) -> None:
        process = self._process
        assert process is not None
        if process.died():
            complaint = process.complaint()
            raise QemuError(
                "QEMU gives the guest up", found=complaint or f"signal {process.exit_code}",
                expected="no fault inside the handler of hard faults",
                try_="look at the registers in QEMU's message: the guest is locked up",
            )  # fmt: skip

    def arm(self, at_ns: int) -> None:
        """Have it ring at a time since reset, or up to 125 ns later."""
        ticks = -(-at_ns // _TICKS_NS) * _TICKS
        slow = max(at_ns - self.elapsed_ns, 0) * _SLOW_HZ // 1_000_000_000 + _SLOW_LATE
        self._calls.append(record(Call.ARM, ticks & 0xFFFF_FFFF, ticks >> 32, slow))

    def poke(self, address: int, value: int) -> None:
        """Write a device's register."""
        self._calls.append(record(Call.POKE, address, value))

    def peek(self, *addresses: int) -> list[int]:
        """Read devices' registers, after what was poked before."""
        before, count = self._calls, len(self._calls)
        self._calls = []
        return self._turn([*before, *(record(Call.PEEK, a) for a in addresses)])[count:]

    def fetch(self, ranges: Sequence[Range]) -> None:
        """Bring ranges of the shadow up to date."""
        self._transfer(ranges, Call.WRITE)

    def store(self, ranges: Sequence[Range]) -> None:
        """Bring the guest's memory up to date with ranges of the shadow."""
        self._transfer(ranges, Call.READ)

    def _transfer(self, ranges: Sequence[Range], call: Call) -> None:
        if not ranges:
            return
        if self._process is None:
            raise QemuError(
                "the guest's own memory cannot be reached yet", found="a machine that has not run",
                expected="memory in the DDR", try_="run_until(0) first",
            )  # fmt: skip
        calls: list[Record] = []
        for start, end in ranges:
            calls.append(record(Call.SEEK, self._file, self._bus.file_offset + start))
            calls.append(record(call, self._file, self._bus.address_of(start), end - start))
        if any(self._turn(calls)):
            raise QemuError(
                "QEMU does not copy the guest's memory", found=f"{len(ranges)} ranges",
                expected="all of their bytes", try_="report this with the image",
            )  # fmt: skip
