# SPDX-License-Identifier: Apache-2.0
"""The MicroPython image on QEMU's Cortex-M55, once it is built (make firmware)."""

from itertools import pairwise

import pytest
from qemu_rig import PLATFORM

from hocket_host.board.repl import load as load_platform
from hocket_host.ethosu.config import npu_config
from hocket_host.machines import qemu
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.jobs import JobWatcher
from hocket_tools.app.application import load
from hocket_tools.app.inputs import open_inputs
from hocket_tools.pack.pack import pack
from hocket_tools.zoo.application import APPLICATION
from rigs.needs import need

MS = 1_000_000


@pytest.fixture(scope="module")
def packed():
    return pack(load(APPLICATION))


@pytest.fixture
def boot(elf):
    """Makes machines with the image, and ends them after the test."""
    need("qemu")
    machines = []

    def make(packed, container=True, **options):
        uart = bytearray()
        machine = qemu.QemuMachine(
            load_platform(PLATFORM), elf, packed.data if container else None,
            npu=NpuOptions(
                npu_config(packed.image.accelerator), packed.target.system,
                strict=True, scramble=True,
            ),
            uart_output=uart.extend, wall_limit_s=120, **options,
        )  # fmt: skip
        machines.append(machine)
        return machine, uart

    yield make
    for machine in machines:
        machine.close()


def until(machine, uart, text, limit_ms=3000):
    for _ in range(limit_ms // 10):
        if text in uart:
            return
        machine.run_for(10 * MS)
    raise AssertionError(f"{text!r} is not in {bytes(uart)!r}")


def test_it_boots_to_a_prompt_that_takes_input(boot, packed):
    machine, uart = boot(packed, container=False)
    until(machine, uart, b">>> ")
    uart.clear()
    machine.feed(b"import hocket; hocket.Kernel\r\n")
    until(machine, uart, b"\r\n>>> ")
    assert b"Kernel" in uart.split(b"\r\n")[1]
    machine.feed(b"import machine; machine.exit(3)\r\n")
    assert machine.run_for(100 * MS)[::2] == ("exit", 3)


def test_the_demonstration_runs_with_the_references_outputs(boot, packed):
    from hocket_tools.verify.verifier import Verifier

    app = packed.application
    verifier = Verifier({n: app.resolve(t.model) for n, t in app.tasks.items()})
    machine, uart = boot(packed)
    sources = open_inputs(app, packed.image)
    watcher = JobWatcher(machine, packed.data, sources=sources, on_job=verifier.on_job)
    machine.run_until(1200 * MS)
    assert b"Traceback" not in uart
    assert set(verifier.checked) == set(app.tasks)
    assert verifier.mismatches == []
    assert len(watcher.jobs) == sum(verifier.checked.values())
    # Once it is up, no release is slept over.
    ends = [0, *(job.end_ns for job in watcher.jobs), machine.now_ns]
    gaps = [after - before for before, after in pairwise(ends)]
    shortest = min(task.period_ns for task in packed.image.tasks)
    assert max(gaps[1:]) < 2 * shortest
    assert machine.npu.problems == []


def test_two_runs_of_the_image_are_the_same_to_the_byte(boot, packed):
    runs = []
    for _ in range(2):
        machine, uart = boot(packed)
        events = []
        machine.npu.observers.append(events.append)
        machine.run_until(600 * MS)
        machine.feed(b"\x03")
        machine.run_until(700 * MS)
        runs.append((events, bytes(uart), machine.accesses, machine.read_memory(0x2110_0000, 4096)))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 50
    assert b"KeyboardInterrupt" in runs[0][1]
