# SPDX-License-Identifier: Apache-2.0
"""The kernel's step on the image: in C as in Python, on the same events."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_lab.image import console, probe

pytestmark = pytest.mark.needs("qemu-arm")

# Time stands still but for the steps that it is given: releases of uneven periods, segments that
# end or fail, locks' priorities, a spawned task, and bodies that take their time.
COMPARE = (
    probe.APPLICATION
    + """
import machine, sys, time
from hocket.kernel import Kernel
from hocket.port import Port
from hocket.trace import Trace
plan, core = sys.modules["hocket.agenda"], sys.modules["hocket.task"]

SYST = 0xE000E010
app.npu_hz = 3883495  # the watchdog looks between two instants, too
DONE, FAULT = 0x22, 0x82

# To an instant in the middle between those at which anything is released.
def pass_time(begun, us):
    machine.mem32[SYST] = 7
    while time.ticks_diff(time.ticks_us(), begun) < us + 50:
        pass
    machine.mem32[SYST] = 4

for index, task in enumerate(app.tasks):
    task.period_ns = (700000, 1100000, 1900000, 3100000)[index]
    task.deadline_ns = 5 * task.period_ns
    task.overrun = index & 1
    task.priority = (1, 0, 2, 1)[index]

def resume(kernel, index):
    core.current = task = kernel._by_index[index]
    task.place = None
    task.started = True
    try:
        if task.coro.send(None):
            task.periodic.complete()
    except OSError as error:
        kernel._failed(task, error)

trace = Trace(600)

def play(native, seed):
    trace.clear()
    gc.collect()
    machine.mem32[SYST] = 4
    machine.mem32[npu + 0x1A0] = machine.mem32[npu + 4] = 0
    port = Port()
    assert port.agenda is not None
    if not native:
        port.agenda = None
    kernel = Kernel(app, port=port, trace=trace)
    agenda, dispatcher = kernel.agenda, kernel.dispatcher
    dispatcher.sleep = lambda until: None
    begun = time.ticks_us()
    for task in kernel.tasks:
        task.prepare()
        task.begin(begun)
    seen = []
    now = 0
    state = seed
    for turn in range(TURNS):
        state = (state * 1021 + 12345) & 0xFFFFF
        now += 100 * (state >> 3 & 3)
        pass_time(begun, now)
        if dispatcher.busy and state >> 12 & 1:
            machine.mem32[npu + 4] = FAULT if state >> 14 & 15 == 0 else DONE
            dispatcher.interrupt(None)
            machine.mem32[npu + 4] = 0
        if state >> 17 == 0:
            agenda.set_priority(state >> 5 & 3, state >> 7 & 3)
        # Up to a tick that has passed, so that nothing sleeps.
        what = agenda.step(time.ticks_us())
        while what != -1:  # there is something to do
            if what < 0:
                kernel._attend(what)
            else:
                seen.append(what)
                resume(kernel, what)
            what = agenda.step(time.ticks_us())
    kernel.close()
    machine.mem32[SYST] = 7
    records = {}
    for _, kind, task, _ in trace.records():
        if kind in (1, 4, 6, 8):
            records[kind, task] = records.get((kind, task), 0) + 1
    return seen, records, [[agenda.statistic(i, n) for n in plan.FIELDS] for i in range(4)]

for seed in (1, 77, 4242):
    a, b = play(False, seed), play(True, seed)
    assert a[0] == b[0], (seed, a[0], b[0])
    # By task, as a microsecond between the two can have a release told before or after an end.
    assert a[1] == b[1], (seed, a[1], b[1])
    for x, y in zip(a[2], b[2]):
        assert x[:6] == y[:6] and abs(x[6] - y[6]) + abs(x[7] - y[7]) < 100, (seed, x, y)
    print(len(a[0]), sum(a[1].values()), sum(x[1] for x in a[2]), sum(x[3] for x in a[2]))
"""
).replace("TURNS", "400")


def test_c_and_python_do_the_same(elf: Path) -> None:
    run = console.run_script(elf, COMPARE, timeout_s=120)
    assert run.error == ""
    rows = [[int(word) for word in line.split()] for line in run.output.splitlines()]
    assert len(rows) == 3
    # That there was something to compare: resumes, records, jobs that were completed and skipped.
    assert all(resumes > 40 and records > 200 and done > 10 for resumes, records, done, _ in rows)
    assert sum(skipped for *_, skipped in rows) > 0
