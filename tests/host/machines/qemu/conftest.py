# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest
from qemu_rig import PROGRAMS, Run

from rigs.needs import need


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Compiles one of the programs beside this file; skips where that or running it cannot be."""
    need("qemu")
    folder = tmp_path_factory.mktemp("images")
    images = {}

    def image(name, cpu="cortex-m33"):
        if (name, cpu) not in images:
            out = folder / f"{name}-{cpu}.elf"
            subprocess.run(
                ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=hard", "-O2", "-Wall",
                 "-Wextra", "-Werror", "-ffreestanding", "-nostdlib", "-Wl,--build-id=none",
                 "-T", PROGRAMS / "sections.ld", PROGRAMS / "start.c", PROGRAMS / f"{name}.c",
                 "-o", out],
                check=True,
            )  # fmt: skip
            images[name, cpu] = out
        return images[name, cpu]

    return image


@pytest.fixture
def start(build):
    """Makes machines and ends them after the test."""
    machines = []

    def make(name, cpu="cortex-m33", **options):
        run = Run(build(name, cpu), **options)
        machines.append(run.machine)
        return run

    yield make
    for machine in machines:
        machine.close()
