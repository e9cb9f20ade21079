# SPDX-License-Identifier: Apache-2.0
"""Builds small programs and runs them on the emulator."""

import subprocess
from pathlib import Path

from hocket_host.board.repl import load
from hocket_host.ethosu.config import npu_config
from hocket_host.machines.common import NpuOptions, load_elf
from hocket_host.machines.unicorn import UnicornMachine
from paths import PLATFORM
from rigs.needs import GCC, need

HERE = Path(__file__).parent
FLAGS = ("-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard")
HZ = 32_000_000
CYCLE_NS = 31.25


def compile_program(source, directory, *, flags=FLAGS, suffix=".c", link=True):
    """An ELF file made of C (with guest.h) or assembly."""
    need("gcc-arm")
    text = '#include "guest.h"\n' + source if suffix == ".c" else source
    path = directory / f"program{suffix}"
    path.write_text(text)
    out = directory / "program.elf"
    command = [GCC, *flags, "-O1", "-g0", "-ffreestanding", "-nostdlib", f"-I{HERE}", str(path)]
    command += ["-o", str(out)]
    if link:
        command += [f"-T{HERE / 'guest.ld'}", "-Wl,--no-warn-rwx-segments", "-lgcc"]
    else:
        command.append("-c")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def platform():
    return load(PLATFORM)


def nothing(**options):
    """The options of an NPU that does not matter."""
    return NpuOptions(
        npu_config("ethos-u55-128"), hz=100_000_000, timing=lambda operations: None,
        model=lambda bus: None, **options,
    )  # fmt: skip


def machine(elf, soc=None, *, npu=None, **options):
    """A machine whose NPU does not matter, unless options say so."""
    return UnicornMachine(soc or platform(), elf, npu=npu or nothing(), **options)


class Guest:
    """A program that ran, and what it noted."""

    def __init__(self, elf, **options):
        self.uart = bytearray()
        options.setdefault("uart_output", self.uart.extend)
        self.image = load_elf(elf)
        self.machine = machine(self.image, **options)

    def run(self, ns=1_000_000_000):
        self.stop = self.machine.run_until(ns)
        return self

    def word(self, address):
        return int.from_bytes(self.machine.read_memory(address, 4), "little")

    @property
    def notes(self):
        count = self.word(self.image.symbol("traced").address)
        base = self.image.symbol("trace").address
        return [self.word(base + 4 * i) for i in range(count)]
