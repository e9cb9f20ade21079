# SPDX-License-Identifier: Apache-2.0
"""Machines for the programs beside this file, with an NPU that only copies."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "ethosu"))
from npu_bench import HZ, MARK, STOP, CopyModel, copies, copy_timing, to_bytes

from hocket_host import qemu
from hocket_host.emulator import NpuOptions
from hocket_host.ethosu.config import npu_config
from hocket_host.repl import load

PROGRAMS = Path(__file__).parent / "programs"
PLATFORM = Path(__file__).parents[3] / "renode" / "corstone300.repl"


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
