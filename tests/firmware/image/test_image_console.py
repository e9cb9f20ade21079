# SPDX-License-Identifier: Apache-2.0
"""The image on an emulated Cortex-M55: console, interpreter, clock, interrupts, faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_lab.image import console
from hocket_tools.image import ArmImage
from paths import FIRMWARE

pytestmark = pytest.mark.needs("qemu-arm")


def output(elf: Path, script: str) -> str:
    run = console.run_script(elf, script)
    assert run.error == ""
    assert run.status == 0
    return run.output


def test_says_that_there_is_no_container_and_offers_the_repl(elf: Path) -> None:
    run = console.run_script(elf, "pass")
    assert run.console.startswith("no application at 0x70000000: ")
    assert "MicroPython v1." in run.console
    assert "Corstone-300 with Cortex-M55" in run.console


def test_hocket_and_its_statistics_import_at_the_repl(elf: Path) -> None:
    text = output(elf, "import hocket\nfrom hocket.stats import cells\nprint(''.join(cells([])))")
    assert text.split()[:2] == ["task", "jobs"]


def test_every_frozen_module_imports(elf: Path) -> None:
    firmware = FIRMWARE / "hocket"
    names = sorted(f.stem for f in firmware.glob("*.py") if f.stem not in {"__init__", "testing"})
    script = "".join(f"import hocket.{name}\n" for name in names)
    assert output(elf, script + "print('all')") == "all\n"


def test_a_line_longer_than_the_console_s_ring_arrives_whole(elf: Path) -> None:
    assert output(elf, f"print(len('{'x' * 5000}'))") == "5000\n"


def test_a_traceback_ends_in_the_repl(elf: Path) -> None:
    run = console.run_script(elf, "1 // 0")
    assert "ZeroDivisionError" in run.error
    assert run.status == 0


def test_the_exit_status_reaches_the_emulator(elf: Path) -> None:
    assert console.run_script(elf, "import machine\nmachine.exit(7)").status == 7


def test_ticks_are_small_integers(elf: Path) -> None:
    script = "import time\nprint(time.ticks_add(0, -1) == 0x3fffffff)"
    assert output(elf, script) == "True\n"


def test_words_of_memory_are_signed(elf: Path) -> None:
    script = (
        "import machine, board\nmachine.mem32[board.ARENA_BASE] = 0xffffffff\n"
        "print(machine.mem32[board.ARENA_BASE])"
    )
    assert output(elf, script) == "-1\n"


def test_a_wait_ends_at_its_tick_whether_short_or_long(elf: Path) -> None:
    script = """
import machine, time
for us in (10, 100, 999, 5000, 123456, 1000, 2000000, 17):
    start = time.ticks_us()
    end = time.ticks_add(start, us)
    while time.ticks_diff(end, time.ticks_us()) > 0:
        machine.idle_until(end)
    print(time.ticks_diff(time.ticks_us(), end))
"""
    # What is left over is the loop itself.
    late = [int(word) for word in output(elf, script).split()]
    assert len(late) == 8
    assert all(0 <= us < 200 for us in late), late


def test_waits_do_not_make_the_clock_drift(elf: Path) -> None:
    # The board's own counter runs at 20 MHz beside the processor's 32.
    script = """
import machine, time
machine.mem32[0x4930201C] = 0
def pair():
    return machine.mem32[0x49302018] & 0x3fffffff, time.ticks_cpu()
pair()
a, b = pair()
for i in range(500):
    machine.idle_until(time.ticks_add(time.ticks_us(), 300))
c, d = pair()
print((c - a) & 0x3fffffff, (d - b) & 0x3fffffff)
"""
    run = console.run_script(elf, script, exact=True)
    assert run.error == ""
    counter, clock = map(int, run.output.split())
    assert clock > 500 * 300 * 32
    # A wait may cost a fraction of a cycle, as the emulator's instructions are no whole cycles.
    assert abs(counter * 32 // 20 - clock) < 500


def test_a_handler_runs_at_once_and_disabled_interrupts_keep_it_out(elf: Path) -> None:
    script = """
import machine
seen = []
def handler(number):
    count[0] += number
count = [0]
machine.set_irq_handler(70, handler)
machine.mem32[0xE000E208] = 1 << 6
print(count[0])
state = machine.disable_irq()
machine.mem32[0xE000E208] = 1 << 6
print(count[0])
machine.enable_irq(state)
print(count[0])
state = machine.hold_irq()
machine.mem32[0xE000E208] = 1 << 6
print(count[0])
machine.let_irq(state)
print(count[0])
machine.set_irq_handler(70, None)
machine.mem32[0xE000E208] = 1 << 6
print(count[0])
"""
    assert output(elf, script).split() == ["70", "70", "140", "140", "210", "210"]


def test_a_pending_interrupt_ends_a_wait_while_disabled(elf: Path) -> None:
    script = """
import machine, time
machine.set_irq_handler(70, lambda number: None)
start = time.ticks_us()
state = machine.disable_irq()
machine.mem32[0xE000E208] = 1 << 6
machine.idle_until(time.ticks_add(start, 400000))
machine.enable_irq(state)
print(time.ticks_diff(time.ticks_us(), start) < 10000)
"""
    assert output(elf, script) == "True\n"


def test_a_handler_that_allocates_is_told_and_disabled(elf: Path) -> None:
    script = """
import machine
def handler(number):
    seen[0] += 1
    bytearray(number)
seen = [0]
machine.set_irq_handler(70, handler)
machine.mem32[0xE000E208] = 1 << 6
machine.mem32[0xE000E208] = 1 << 6
print(seen[0])
"""
    text = output(elf, script)
    assert "handler of interrupt 70 failed and is disabled" in text
    assert "MemoryError" in text
    assert text.endswith("\n1\n")


@pytest.mark.parametrize("number", [-1, 128, 33])
def test_no_handler_for_what_is_no_interrupt_or_the_console_s(elf: Path, number: int) -> None:
    script = f"import machine\nmachine.set_irq_handler({number}, print)"
    assert "ValueError" in console.run_script(elf, script).error


def test_a_bus_fault_is_reported_with_registers_and_ends_the_run(elf: Path) -> None:
    run = console.run_script(elf, "import machine\nmachine.mem32[0x48400000]")
    assert run.status == 1
    assert "FAULT exception 00000003" in run.output
    assert " bfar 48400000" in run.output
    assert " pc 0" in run.output


def test_a_recursion_without_end_is_an_exception(elf: Path) -> None:
    run = console.run_script(elf, "def f():\n    f()\nf()")
    assert "RuntimeError: maximum recursion depth exceeded" in run.error


def test_a_soft_reset_starts_anew_with_all_handlers_gone(elf: Path) -> None:
    script = """
import machine
machine.set_irq_handler(70, print)
machine.soft_reset()
"""
    run = console.run_script(elf, script)
    assert "MPY: soft reboot" in run.console
    assert run.status == 0


def test_a_loader_may_tell_the_image_where_the_npu_is(elf: Path, tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_bytes(b"HTK1" + bytes.fromhex("00002048 46000000"))
    run = console.run_script(
        elf, "import board\nprint(hex(board.NPU_BASE), board.NPU_IRQ)", files={0x7FFF0: note}
    )
    assert run.output == "0x48200000 70\n"


def test_the_image_for_a_small_heap_runs(images: list[ArmImage]) -> None:
    small = images[1]
    text = output(
        small.elf, "import gc, hocket.kernel\ngc.collect()\nprint(gc.mem_free() + gc.mem_alloc())"
    )
    assert 0.95 * 64 * 1024 < int(text) < 64 * 1024
