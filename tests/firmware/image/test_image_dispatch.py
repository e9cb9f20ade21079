# SPDX-License-Identifier: Apache-2.0
"""The dispatcher's interrupt on the image: in C as in viper, without allocation, in its budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_lab.image import console, probe

pytestmark = pytest.mark.needs("qemu-arm")

# Time stands still but for the steps that it is given, so that both see the same ticks, give or
# take the calls around each step.
COMPARE = (
    probe.APPLICATION
    + """
import machine, micropython, time
from hocket import policy
from hocket.dispatch import Dispatcher
from hocket.ethosu import EthosU
from hocket.port import Port
from hocket.trace import Trace

SYST = 0xE000E010
DONE, FAULT, PARSE, ABORT, NONE = 0x22, 0x82, 0x12, 0x06, 0x00

def step(us):
    machine.mem32[SYST] = 7
    time.sleep_us(us)
    machine.mem32[SYST] = 4

def play(native, rule, seed):
    machine.mem32[SYST] = 4
    machine.mem32[npu + 0x1A0] = machine.mem32[npu + 4] = 0
    port = Port()
    assert port.npu_dispatcher is not None
    if not native:
        port.npu_dispatcher = None
    unit = EthosU(port.npu_base, 1)
    ring = Trace(40).ring
    d = Dispatcher(app, policy.make(rule), port, unit, ring, [3, 1, 4, 0x80])
    micropython.heap_lock()
    state = seed
    begun = time.ticks_us()
    for turn in range(TURNS):
        state = (state * 1021 + 12345) & 0xFFFFF
        slot = state >> 4 & 3
        what = state >> 6 & 15
        if d.ended(slot):
            d.take(slot)
        if what < 7 and d.idle(slot):
            base = app.nets[slot].first_step
            first = state >> 12 & 7
            d.part(slot, base, first, max(first, state >> 15 & 7))
            d.submit(slot, state >> 10 & 3, (begun + (state & 0xFFF)) & 0x3fffffff)
        elif what == 7:
            d.cancel(slot)
        elif what == 8:
            d.record(5, 6, state & 0xFFFFFF)
        if what < 13:
            step(200 + (state & 0x3FF))
            machine.mem32[npu + 0x1A0] = (machine.mem32[npu + 0x1A0] + state * 64) & 0x1FFFFFFF
            machine.mem32[npu + 4] = (
                FAULT if what == 9 else PARSE if what == 10 else NONE if what == 11 else DONE)
            d.interrupt(None)
    micropython.heap_unlock()
    machine.mem32[SYST] = 7
    return [w for w in d.words], [w for w in ring], begun, machine.mem32[npu + 0x10]

TIMES = (3, 4)
ROW_TIMES = (8, 9, 10)
def far(a, b):
    return abs(((a - b) + 0x20000000 & 0x3fffffff) - 0x20000000) > 60 * TURNS

for rule in range(4):
    for seed in (1, 77, 4242):
        a, ra, ta, qa = play(False, rule, seed)
        b, rb, tb, qb = play(True, rule, seed)
        assert qa == qb
        for i in range(len(a)):
            field = (i - 10) % 25 if i >= 10 else -1
            if i in TIMES or field == 8:
                assert not far(a[i] - ta, b[i] - tb), (rule, seed, i, a[i] - ta, b[i] - tb)
            elif field in ROW_TIMES:
                assert not far(a[i], b[i]), (rule, seed, i, a[i], b[i])
            elif field != 4 or rule != 2:
                assert a[i] == b[i], (rule, seed, i, a[i], b[i])
        assert ra[:4] == rb[:4]
        for i in range(5, len(ra), 2):
            assert ra[i] == rb[i], (rule, seed, i)
        print(rule, ra[2] + ra[3], max(a[20::25]))
"""
).replace("TURNS", "150")


def test_c_and_viper_do_the_same_with_the_heap_locked(elf: Path) -> None:
    run = console.run_script(elf, COMPARE, timeout_s=60)
    assert run.error == ""
    rows = [line.split() for line in run.output.splitlines()]
    assert len(rows) == 12
    # That there was something to compare: records, and time that slots spent blocked.
    assert all(int(records) > 100 for _, records, _ in rows)
    assert max(int(blocked) for _, _, blocked in rows) > 0


def test_a_failing_segment_reaches_python_from_the_interrupt(elf: Path) -> None:
    script = (
        probe.APPLICATION
        + """
import hocket.kernel, micropython
kernel = hocket.kernel.Kernel(app)
d = kernel.dispatcher
d.submit(0, 0, 1000)
d.submit(1, 1, 1000)
micropython.heap_lock()
machine.mem32[npu + 4] = 0x82
machine.mem32[0xE000E204] = 1 << 24
micropython.heap_unlock()
print(d.ended(0), d.ended(1), d.take(0), d.words[1])
"""
    )
    run = console.run_script(elf, script)
    assert run.error == ""
    assert run.output.split() == ["True", "False", str(0x82), "1"]


@pytest.mark.parametrize("where", ["held", "task"])
def test_the_interrupt_waits_for_nothing_that_python_does(elf: Path, where: str) -> None:
    enter, leave = ("s = machine.hold_irq()", "machine.let_irq(s)") if where == "held" else ("", "")
    script = (
        probe.APPLICATION
        + f"""
import hocket.kernel
kernel = hocket.kernel.Kernel(app)
d = kernel.dispatcher
d.submit(0, 0, 1000)
{enter}
machine.mem32[npu + 4] = 0x22
machine.mem32[npu + 8] = 0
machine.mem32[0xE000E204] = 1 << 24
print(machine.mem32[npu + 8], d.words[10 + 3])
{leave}
"""
    )
    run = console.run_script(elf, script)
    assert run.error == ""
    assert run.output.split() == [str(0xD), "1"]
