# SPDX-License-Identifier: Apache-2.0
"""Bare programs on QEMU's Cortex-M55, with the NPU's register interface behind the fault trap."""

import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from qemu_rig import PLATFORM, PROGRAMS, Run

from hocket_host.board.repl import load
from hocket_host.board.repl.platform import MemoryRange
from hocket_host.ethosu.device.queue import Ending
from hocket_host.ethosu.device.registers import NpuProgrammingError, Status
from hocket_host.machines import qemu
from hocket_host.machines.common import ElfError, MachineError
from hocket_host.machines.qemu import qemu_machine as machine_module
from hocket_host.machines.qemu.errors import QemuError
from rigs.needs import need
from rigs.npu import HZ

NS = 1_000_000_000 // HZ
ARENA = 0x2110_0000


def test_a_program_runs_and_its_exit_code_comes_back(start):
    run = start("hello")
    assert run.to_end() == 7
    assert run.machine.exit_code == 7
    assert run.text.splitlines() == ["hello", "id 10066001", "config 00001807"]


def test_an_image_of_the_cores_own_instruction_set_runs(start):
    run = start("copy", cpu="cortex-m55")
    assert run.to_end() == 0


def test_every_form_of_load_and_store_reaches_the_registers(start):
    run = start("widths")
    assert run.to_end() == 0
    assert run.text.splitlines() == [
        "narrow immediate 00000000", "narrow register 33333330", "wide immediate 11111110",
        "shifted register 33333330", "negative 33333330",
        "before 55555550", "  base 000000a8", "after 55555550", "  base 000000a0",
        "pair 22222220", "  high 00000000",
        "several 44444440", "  third 55555550", "  base 000000ac", "several before 44444440",
        "acquire 77777770",
        "stored 00abcde0", "stored 00123450", "stored 00123450", "stored 00abcde0",
        "stored 00000000",
        "conditional 00abcde0", "  behind 00000005", "float 3fc00000", "refused 00000006",
    ]  # fmt: skip


def test_a_run_ends_with_its_interrupt_and_its_effects_between_untouched_bytes(start):
    run = start("copy")
    assert run.to_end() == 0
    lines = run.text.splitlines()
    assert lines.count("early 00000000") == 2
    assert lines.count("status ffff0022") == 2
    data = [line for line in lines if len(line) == 8]
    assert data[:16] == ["a5a5a5a5", *(f"{0x03020100 + k * 0x04040404:08x}" for k in range(1, 16))]
    assert data[16:] == ["a5a5a5a5", *["00000000"] * 15]
    starts = [e for e in run.events if e.kind == "start"]
    ends = [e for e in run.events if e.kind == "end"]
    assert [e.at_ns - s.at_ns for s, e in zip(starts, ends, strict=True)] == [450 * NS] * 2


def test_a_stop_request_ends_a_run_after_what_was_started(start):
    run = start("stop", operations=60)
    assert run.to_end() == 0
    stop = run.events[-1]
    assert (stop.kind, stop.ending) == ("stop", Ending.REQUEST)
    assert 0 < stop.operations < 60
    assert run.value("copied") == stop.operations
    assert run.value("status") & 0xFFFF == Status.IRQ


def test_a_fault_elsewhere_is_the_guests_own(start):
    run = start("fault")
    assert run.to_end() == 2
    assert run.value("cfsr") == 0x8200
    assert run.value("bfar") == 0x4830_0004


def test_an_injected_fault_of_the_npu_is_seen_in_its_status(start):
    run = start("copy")
    run.machine.npu.inject(Ending.BUS_ABORT, 2)
    run.machine.npu.strict = False
    run.machine.run_until(1_000_000)
    assert run.value("status") & 4
    assert [e.kind for e in run.events][:2] == ["start", "fault"]


def test_an_interrupt_whose_line_stays_up_comes_again(start):
    run = start("level")
    assert run.to_end() == 0
    assert run.value("handled") == 3


def test_the_npu_reads_queue_and_data_in_the_programs_own_memory(start):
    run = start("memory")
    assert run.to_end() == 0
    assert run.text.split() == ["43424140", "eeeeeeee", "eeeeeeee", "eeeeeeee"]


def test_a_reset_of_the_processor_resets_the_npu(start):
    run = start("reset")
    assert run.to_end() == 5
    assert [e.kind for e in run.events] == ["start", "reset"]
    assert run.text.count("queue 00000000") == 2


def test_a_lockup_is_told_with_the_registers(start):
    with pytest.raises(QemuError, match=r"(?s)gives the guest up.*R15="):
        start("lockup").to_end()


def test_a_guest_that_gives_no_sign_is_given_up(start, monkeypatch):
    run = start("spin", wall_limit_s=60)
    run.machine.run_until(0)
    hours = count(step=3600)
    monkeypatch.setattr(machine_module, "time", SimpleNamespace(monotonic=hours.__next__))
    with pytest.raises(QemuError, match="the guest hangs"):
        run.machine.run_until()


def test_a_programming_error_ends_a_strict_run(start):
    run = start("strict", strict=True)
    with pytest.raises(NpuProgrammingError, match="while a stream runs"):
        run.to_end()


def test_a_run_comes_back_within_a_microsecond_of_the_instant(start):
    run = start("spin")
    for when_ns in (1_000_000, 1_000_001, 5_123_457):
        stop = run.machine.run_until(when_ns)
        assert stop.reason == "time"
        assert 0 <= stop.at_ns - when_ns < 1_000
    assert run.machine.now_ns == stop.at_ns


def test_a_debugger_is_waited_for(start, tmp_path):
    run = start("hello", gdb=f"unix:{tmp_path / 'gdb'},server=on,wait=off")

    def attach():
        while not (tmp_path / "gdb").exists():
            time.sleep(0.01)
        with socket.socket(socket.AF_UNIX) as debugger:
            debugger.connect(str(tmp_path / "gdb"))
            debugger.sendall(b"$c#63")
            debugger.recv(1)
            ended.wait()

    ended = threading.Event()
    thread = threading.Thread(target=attach)
    thread.start()
    assert run.to_end() == 7
    ended.set()
    thread.join()


def test_a_guest_that_disables_every_interrupt_still_comes_back(start):
    machine = start("deaf").machine
    for when_ns in (1_000_000, 2_000_000, 40_000_000):
        assert 0 <= machine.run_until(when_ns).at_ns - when_ns < 1_100_000


def test_memory_is_read_and_written_between_runs(start):
    run = start("spin")
    machine = run.machine
    machine.run_until(100_000)
    machine.write_memory(ARENA, b"hocket")
    machine.run_for(100_000)
    assert machine.read_memory(ARENA, 7) == b"hocket\0"
    assert machine.read_memory(0x7000_8000, 2) == b"\xa5\xa5"


def test_typed_characters_come_one_after_another(start):
    run = start("echo")
    run.machine.run_until(1_000_000)
    run.machine.feed(b"abc.")
    assert run.to_end() == 0
    assert run.text.split()[::2] == ["a", "b", "c", "."]
    turns = [int(t, 16) for t in run.text.split()[1::2]]
    gaps = [b - a for a, b in pairwise(turns)]
    assert max(gaps) - min(gaps) <= 1


def observed(start, name, **options):
    run = start(name, **options)
    run.machine.run_until(1_000_000)
    if name == "echo":
        run.machine.feed(b"same.")
    run.machine.run_until(20_000_000)
    return run.text, run.events, run.machine.now_ns, run.machine.accesses


@pytest.mark.parametrize("name", ["copy", "echo", "level", "stop"])
def test_two_runs_are_the_same(start, name):
    first = observed(start, name, operations=50)
    assert first == observed(start, name, operations=50)
    assert first[0]


@pytest.mark.parametrize("state", ["waits for its parent", "works"])
def test_qemu_ends_with_its_parent(build, state):
    script = f"""
import os, sys, threading
from pathlib import Path
from types import SimpleNamespace
sys.path[:0] = {[str(PROGRAMS.parent), *sys.path]!r}
from qemu_rig import Run
machine = Run({str(build("spin"))!r}).machine
machine.run_until(1000)
print(Path(f"/proc/self/task/{{os.getpid()}}/children").read_text(), flush=True)
threading.Timer(0.5, os._exit, (9,)).start()
if {state == "works"}:
    machine.run_until()
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    stat = Path(f"/proc/{int(done.stdout)}/stat")
    # Ended, if nobody has asked for its status yet, is as good as gone.
    while stat.exists() and ") Z" not in stat.read_text():
        time.sleep(0.02)


# What cannot be: told before QEMU starts.


@pytest.fixture
def tools():
    need("qemu")


def test_an_image_that_is_none_is_refused(tools, tmp_path):
    file = tmp_path / "firmware.elf"
    file.write_bytes(b"\x7fELF\x02\x01" + bytes(60))
    with pytest.raises(ElfError, match="not for this machine"):
        Run(file)


def test_an_image_cut_short_is_refused(build, tmp_path):
    file = tmp_path / "firmware.elf"
    file.write_bytes(build("hello").read_bytes()[:60])
    with pytest.raises(ElfError, match="damaged"):
        Run(file)


def test_a_missing_image_is_told(tools, tmp_path):
    with pytest.raises(ElfError, match="cannot be read"):
        Run(tmp_path / "nothing.elf")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nvic": "systick_hz"}, "another clock"),
        ({"memories": (MemoryRange("far", 0x9_0000, 0x1000),)}, "cannot place the memory far"),
    ],
)
def test_a_platform_that_qemu_cannot_be_is_refused(build, change, message):
    platform = load(PLATFORM)
    if "nvic" in change:
        platform = replace(platform, nvic=replace(platform.nvic, systick_hz=1_000_000))
    else:
        platform = replace(platform, **change)
    with pytest.raises(QemuError, match=message):
        qemu.QemuMachine(platform, build("hello"))


def test_an_npu_without_configuration_is_refused(build):
    with pytest.raises(MachineError, match="NPU is not configured"):
        qemu.QemuMachine(load(PLATFORM), build("hello"))


def test_a_container_too_large_is_refused(build):
    with pytest.raises(MachineError, match="container does not fit"):
        Run(build("hello")).machine.load_container(bytes(0x200_0001))
