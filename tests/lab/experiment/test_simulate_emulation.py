# SPDX-License-Identifier: Apache-2.0
"""The simulation is the emulation without its contents: same jobs, same segments, same instants."""

import functools
from dataclasses import replace

import pytest

from hocket_host.board import board as boards
from hocket_host.machines.cpython.emulation import run
from hocket_host.machines.setup import Setup
from hocket_lab.experiment.simulate import simulate
from hocket_tools import container as hkt
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.prove import KernelCosts, TaskSet
from paths import MODELS

APPLICATION = """
[npu]
accelerator-config = "ethos-u55-128"
clock = "{clock}"

[schedule]
policy = "fp"
cut = "all"

[tasks.near]
model = "hello_world_int8.tflite"
period = "1777777 ns"
deadline = "1200 us"
priority = 1
offset = "1003 us"
cpu = "211 us"
overrun = "{overrun}"

[tasks.alike]
model = "mlp_kws_int8.tflite"
period = "5 ms"
priority = 3
cpu = "77 us"
overrun = "queue"

[tasks.other]
model = "micro_speech.tflite"
period = "9400500 ns"
offset = "12345 ns"
priority = 3
overrun = "skip"
"""


#: What follows the third task; its layers are on both units, and those of the fourth on none else.
MIXED = """
on-cpu = [1]

[tasks.processor]
model = "hello_world_int8.tflite"
period = "41 ms"
offset = "7 ms"
cpu = "12 us"
on-cpu = [0, 1, 2]
priority = 2

[tasks.both]
model = "mlp_kws_int8.tflite"
period = "23500 us"
on-cpu = [1, 4]
priority = 1
"""


@functools.cache
def packed(clock, overrun, mixed=False):
    text = APPLICATION.format(clock=clock, overrun=overrun) + MIXED * mixed
    return pack(loads(text, MODELS / "app.toml"))


@pytest.mark.parametrize("policy", ["fp", "edf", "fifo", "rr"])
@pytest.mark.parametrize(
    ("clock", "overrun", "mixed"),
    [("50 MHz", "skip", False), ("7 MHz", "queue", False), ("20 MHz", "skip", True)],
)
def test_simulation_and_emulation_agree_to_the_nanosecond(policy, clock, overrun, mixed):
    app = packed(clock, overrun, mixed)
    cpu_hz = 400_000_000 if mixed else None
    board = replace(
        boards.load("corstone300"),
        resume_cpu_cycles=2000,
        release_cpu_cycles=1500,
        completion_cpu_cycles=900,
    )
    duration_ns = 60_000_000
    target = app.target
    setup = Setup(app.data, board, target.npu, target.system, policy=policy, cpu_hz=cpu_hz)
    emulated = run(setup, duration_ns)
    taskset = TaskSet.from_image(
        app.image,
        KernelCosts.of(board, cpu_hz or board.cpu_hz),
        cpu_hz=cpu_hz or board.cpu_hz,
        cycles="nominal",
        policy=policy,
    )
    # The NPU's reset takes the emulation some time into its first tick: the first job was released
    # by then, another comes due meanwhile, and the first segment starts a resume and a dispatch
    # after both.
    costs = 2 * taskset.release_ns + taskset.resume_ns + taskset.dispatch_ns
    begin_ns = emulated.segments[0].start_ns - costs
    simulated = simulate(taskset, duration_ns, begin_ns=begin_ns)
    # Less the one that the end of the emulation cuts off.
    whole = [found for found in emulated.segments if found.end_ns < duration_ns]
    pairs = list(zip(simulated.slices, whole, strict=False))
    assert len(pairs) > 50
    for found, expected in pairs:
        # The emulation counts the steps of either unit.
        model = app.image.models[app.image.tasks[expected.task].model]
        steps = model.steps[: expected.step]
        step = sum(s.kind is hkt.StepKind.NPU for s in steps)
        assert (found.task, found.segment, found.start_ns, found.end_ns) == (
            expected.task, step, expected.start_ns, expected.end_ns
        )  # fmt: skip
    for jobs, task in zip(simulated.jobs, emulated.tasks, strict=True):
        done = [(job.release_ns, job.end_ns) for job in jobs if job.end_ns is not None]
        assert done == [(j.release_ns, j.end_ns) for j in task.jobs if j.end_ns is not None]
    assert list(simulated.skipped) == [task.skipped for task in emulated.tasks]
