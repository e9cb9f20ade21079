# SPDX-License-Identifier: Apache-2.0
"""The MicroPython image, once it is built (make firmware), with and without an application."""

from itertools import islice

import pytest
from guest import PLATFORM, machine

from hocket_host.board.repl import load as load_platform
from hocket_host.ethosu.config import npu_config
from hocket_host.machines.common import NpuOptions
from hocket_host.machines.jobs import JobWatcher
from hocket_host.machines.unicorn import UnicornMachine
from hocket_lab.image.meters import DispatchMeter, percentile
from hocket_tools.app.application import load
from hocket_tools.app.inputs import open_inputs
from hocket_tools.pack.pack import pack
from hocket_tools.zoo.application import APPLICATION

MS = 1_000_000

pytestmark = pytest.mark.needs("image", "unicorn")


def until(machine, uart, text, limit_ms=2000):
    """Run until the console has said something, in steps of a millisecond."""
    for _ in range(limit_ms):
        if text in uart:
            return
        machine.run_for(MS)
    raise AssertionError(f"{text!r} is not in {bytes(uart)!r}")


def test_it_boots_to_a_prompt_that_knows_hocket(elf):
    uart = bytearray()
    m = machine(elf, uart_output=uart.extend)
    until(m, uart, b">>> ")
    assert b"MicroPython" in uart
    uart.clear()
    m.feed(b"import hocket; hocket.Kernel\r\n")
    until(m, uart, b"\r\n>>> ")
    assert b"Kernel" in uart.split(b"\r\n")[1]
    uart.clear()
    m.feed(b"6 * 7\r\n")
    until(m, uart, b"42\r\n>>> ")
    assert m.faults == []


def test_machine_exit_ends_the_run_with_its_status(elf):
    uart = bytearray()
    m = machine(elf, uart_output=uart.extend)
    until(m, uart, b">>> ")
    m.feed(b"import machine; machine.exit(3)\r\n")
    stop = m.run_for(100 * MS)
    assert (stop.reason, stop.exit_code) == ("exit", 3)


@pytest.fixture(scope="module")
def packed():
    return pack(load(APPLICATION))


def application(elf, packed, on_job=None, sources=None):
    uart = bytearray()
    m = UnicornMachine(
        load_platform(PLATFORM), elf, packed.data,
        npu=NpuOptions(
            npu_config(packed.image.accelerator), packed.target.system,
            strict=True, scramble=True,
        ),
        uart_output=uart.extend,
    )  # fmt: skip
    return m, JobWatcher(m, packed.data, sources=sources, on_job=on_job), uart


def test_the_demonstration_runs_with_the_references_outputs(elf, packed):
    from hocket_tools.verify.verifier import Verifier

    app = packed.application
    verifier = Verifier({n: app.resolve(t.model) for n, t in app.tasks.items()})
    m, watcher, uart = application(elf, packed, verifier.on_job, open_inputs(app, packed.image))
    meter = DispatchMeter(m)
    m.run_until(900 * MS)
    assert b"Traceback" not in uart
    assert set(verifier.checked) == set(app.tasks)
    assert verifier.mismatches == []
    assert len(watcher.jobs) == sum(verifier.checked.values()) > 10
    assert m.faults == []
    assert m.npu.problems == []
    assert 0 < percentile(meter.instructions, 50) <= percentile(meter.instructions, 100)


def test_two_runs_of_the_image_are_the_same_to_the_byte(elf, packed):
    runs = []
    for _ in range(2):
        m, watcher, uart = application(elf, packed)
        m.run_until(600 * MS)
        runs.append((watcher.jobs, watcher.segments, bytes(uart), m.instructions, m.registers()))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) > 5


def test_sources_are_consumed_one_frame_a_job(elf, packed):
    frames = {
        n: list(islice(s, 20)) for n, s in open_inputs(packed.application, packed.image).items()
    }
    seen = []
    m, _, _ = application(
        elf, packed, lambda task, inputs, outputs: seen.append((task, inputs[0].tobytes())),
        {n: iter(f) for n, f in frames.items()},
    )  # fmt: skip
    m.run_until(600 * MS)
    for name, given in frames.items():
        found = [data for task, data in seen if task == name]
        assert len(found) > 0
        assert found == [frame[0].tobytes() for frame in given[: len(found)]]
