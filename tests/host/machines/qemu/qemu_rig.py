# SPDX-License-Identifier: Apache-2.0
"""Machines for the programs beside this file, with an NPU that only copies."""

from pathlib import Path

from hocket_host.board.repl import load
from hocket_host.ethosu.config import npu_config
from hocket_host.machines import qemu
from hocket_host.machines.common import NpuOptions
from paths import PLATFORM
from rigs.npu import HZ, MARK, STOP, CopyModel, copies, copy_timing, to_bytes

PROGRAMS = Path(__file__).parent / "programs"


class Run:
    """A machine with its console, and an NPU that copies byte k of flash in operation k."""

    def __init__(self, elf, operations=4, strict=False, **options):
        self.text = ""
        self.events = []
        stream = to_bytes(copies(operations) + STOP)
        flash = len(stream).to_bytes(16, "little") + stream
        flash = flash.ljust(0x8000, b"\0") + bytes([MARK]) * 64
        npu = NpuOptions(
            npu_config("ethos-u55-128"), hz=HZ, strict=strict, timing=copy_timing,
            model=lambda bus: CopyModel(bus.memory),
        )  # fmt: skip
        self.machine = qemu.QemuMachine(
            load(PLATFORM), elf, flash, npu=npu, uart_output=self._heard,
            **{"wall_limit_s": 60, **options},
        )  # fmt: skip
        if self.machine.npu is not None:
            self.machine.npu.observers.append(self.events.append)

    def _heard(self, data):
        self.text += data.decode()

    def value(self, name):
        """The number printed after a name."""
        return int(next(t for t in self.text.splitlines() if t.startswith(name)).split()[-1], 16)

    def to_end(self):
        stop = self.machine.run_until()
        assert stop.reason == "exit"
        return stop.exit_code
