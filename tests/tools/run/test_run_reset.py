# SPDX-License-Identifier: Apache-2.0
"""`machine.reset()` on the ARM image: power-on again, whatever the machine was at."""

import pytest

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run import Guest, Session, create, open_guest
from hocket_tools.verify.verifier import Verifier
from hocket_tools.zoo.application import APPLICATION
from rigs.needs import BACK_ENDS

MS = 1_000_000

pytestmark = pytest.mark.parametrize("back_end", BACK_ENDS)

# Starts a job of the detector, whose first segment alone takes the NPU longer than the reset.
START = (
    b"import board, hocket, machine; k = hocket.Kernel(hocket.load(board.CONTAINER_BASE));"
    b" k.dispatcher.submit(2, 0, 0); print(k.npu.status() & 1); machine.reset()\r\n"
)


def until(machine, console, text, limit_ms=3000):
    for _ in range(limit_ms // 10):
        if text in console:
            del console[: console.index(text) + len(text)]
            return
        machine.run_for(10 * MS)
    raise AssertionError(f"{text!r} is not in {bytes(console)!r}")


def test_the_prompt_comes_back_with_nothing_of_before(elf, back_end):
    console = bytearray()
    with create(back_end, open_guest(elf, None), console.extend) as machine:
        until(machine, console, b">>> ")
        for line in (b"import machine", b"kept = 3", b"s = machine.disable_irq()"):
            machine.feed(line + b"\r\n")
            until(machine, console, b"\r\n>>> ")
        machine.feed(b"machine.reset()\r\n")
        until(machine, console, b"MicroPython v")
        until(machine, console, b">>> ")
        machine.feed(b"kept\r\n")
        until(machine, console, b"NameError")
        assert machine.problems == []


def test_an_application_starts_again_though_the_npu_was_at_work(elf, back_end):
    packed = pack(load(APPLICATION))
    app = packed.application
    verifier = Verifier({name: app.resolve(task.model) for name, task in app.tasks.items()})
    console = bytearray()
    guest = Guest.of(elf, packed)
    with Session(back_end, guest, console.extend, packed=packed, on_job=verifier.on_job) as session:
        machine = session.machine
        machine.run_for(100 * MS)
        machine.feed(b"\x03")
        until(machine, console, b">>> ")
        before = len(session.jobs)
        machine.feed(START)
        until(machine, console, b"\n1\r\n")
        machine.run_for(600 * MS)
        assert len(session.jobs) > before + 10
        assert {job.task for job in session.jobs[before:]} == set(app.tasks)
        assert machine.problems == []
    assert verifier.mismatches == []
