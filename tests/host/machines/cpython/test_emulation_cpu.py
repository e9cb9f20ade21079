# SPDX-License-Identifier: Apache-2.0
"""When the processor worked in an emulated run, and for which task."""

from itertools import pairwise

import pytest

from hocket_host.board import board
from hocket_host.machines.results import Run
from hocket_host.units import cycles_to_ns
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.run import run as running
from paths import MODELS

BODY_NS = 2_000_000

APPLICATION = """
[npu]
clock = "50 MHz"

[schedule]
cut = "all"

[tasks.fast]
model = "micro_speech.tflite"
period = "5 ms"
cpu = "2 ms"

[tasks.slow]
model = "mlp_kws_int8.tflite"
period = "20 ms"
"""


@pytest.fixture(scope="module")
def run() -> Run:
    packed = pack(loads(APPLICATION, MODELS / "app.toml"))
    return running.execute(packed, 40_000_000).run


def test_the_processor_does_one_thing_at_a_time(run: Run) -> None:
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(run.cpu))
    assert all(work.start_ns < work.end_ns for work in run.cpu)


def test_a_dispatch_ends_where_its_segment_starts(run: Run) -> None:
    profile = board.load("corstone300")
    cost = cycles_to_ns(profile.dispatch_cpu_cycles, profile.cpu_hz)
    dispatches = [work for work in run.cpu if work.kind == "dispatch"]
    assert [(w.task, w.end_ns) for w in dispatches] == [(s.task, s.start_ns) for s in run.segments]
    assert {w.end_ns - w.start_ns for w in dispatches} == {cost}


def test_a_jobs_declared_time_is_spent_whole_with_its_completion_though_interrupts_cut_it(
    run: Run,
) -> None:
    works = [work for work in run.cpu if (work.task, work.kind) == (0, "body")]
    done = [job for job in run.tasks[0].jobs if job.outcome == "done"]
    profile = board.load("corstone300")
    completion_ns = cycles_to_ns(profile.completion_cpu_cycles, profile.cpu_hz)
    spent = sum(work.end_ns - work.start_ns for work in works)
    assert spent == (BODY_NS + completion_ns) * len(done)
    assert len(works) > len(done)


def test_a_job_ends_with_its_body(run: Run) -> None:
    ends = {work.end_ns for work in run.cpu if work.kind == "body"}
    assert {job.end_ns for job in run.tasks[0].jobs} <= ends


def test_each_job_is_resumed_to_begin_and_to_take_its_result(run: Run) -> None:
    profile = board.load("corstone300")
    cost = cycles_to_ns(profile.resume_cpu_cycles, profile.cpu_hz)
    for index, task in enumerate(run.tasks):
        spent = sum(w.end_ns - w.start_ns for w in run.cpu if (w.task, w.kind) == (index, "resume"))
        assert spent >= 2 * cost * len(task.jobs)
        assert spent % cost == 0
