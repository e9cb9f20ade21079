# SPDX-License-Identifier: Apache-2.0
"""The firmware on the emulated board, with real networks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.board import board
from hocket_host.ethosu.config import npu_config
from hocket_host.machines.cpython import emulation
from hocket_host.machines.results import Run
from hocket_host.machines.setup import Setup
from hocket_tools import container as hkt
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed
from hocket_tools.run import run as running
from paths import MODELS

MS = 1_000_000


@cache
def packed(text: str) -> Packed:
    """An application given as text, packed; model paths start at the tests' models."""
    return pack(loads(text, MODELS / "app.toml"))


def application(*tasks: str, cut: str = "all", policy: str = "fp") -> Packed:
    head = f'[npu]\nclock = "50 MHz"\n[schedule]\ncut = "{cut}"\npolicy = "{policy}"\n'
    return packed(head + "\n".join(tasks))


FAST = '[tasks.fast]\nmodel = "micro_speech.tflite"\nperiod = "5 ms"\n'
SLOW = '[tasks.slow]\nmodel = "mlp_kws_int8.tflite"\nperiod = "20 ms"\n'
STATEFUL = '[tasks.stateful]\nmodel = "mnist_lstm_int8.tflite"\nperiod = "60 ms"\n'
LONG = '[tasks.long]\nmodel = "person_detect.tflite"\nperiod = "100 ms"\noffset = "1 ms"\n'


def test_two_runs_are_identical() -> None:
    app = application(FAST, SLOW)
    assert running.execute(app, 40 * MS).run == running.execute(app, 40 * MS).run


def test_the_npu_does_one_segment_at_a_time() -> None:
    run = running.execute(application(FAST, SLOW, LONG), 60 * MS).run
    assert all(a.end_ns <= b.start_ns for a, b in pairwise(run.segments))


def test_every_segment_of_a_job_runs_once_and_in_order() -> None:
    app = application(SLOW, FAST)
    run = running.execute(app, 20 * MS).run
    steps = [s.step for s in run.segments if s.task == 0]
    assert steps == list(range(len(app.image.models[0].steps)))


def test_a_segment_takes_the_cycles_that_the_container_says() -> None:
    app = application(SLOW)
    run = running.execute(app, 20 * MS).run
    hz = app.target.system.clock_hz
    expected = [-(-s.nominal_cycles * 10**9 // hz) for s in app.image.models[0].steps]
    assert [s.end_ns - s.start_ns for s in run.segments] == expected


def test_releases_follow_offset_and_period_exactly() -> None:
    text = FAST + 'offset = "123456 ns"\n'
    run = running.execute(application(text.replace("5 ms", "3333333 ns")), 30 * MS).run
    releases = [job.release_ns for job in run.tasks[0].jobs]
    assert releases == [123_456 + 3_333_333 * i for i in range(len(releases))]
    assert len(releases) == run.tasks[0].releases == 9


def test_a_job_that_cannot_be_in_time_is_counted_late() -> None:
    run = running.execute(application(SLOW + 'deadline = "1 ms"\n'), 40 * MS).run
    assert (run.tasks[0].late, run.tasks[0].misses) == (2, 2)


def test_a_release_during_an_unfinished_job_is_counted_as_skipped() -> None:
    run = running.execute(application(LONG.replace("100 ms", "5 ms")), 30 * MS).run
    task = run.tasks[0]
    assert task.skipped > 0
    assert len(task.jobs) + task.skipped >= task.releases - 1


def test_segments_shorten_the_wait_of_an_urgent_task() -> None:
    urgent = FAST + 'offset = "2 ms"\n'
    whole = running.execute(application(urgent, LONG, cut="none"), 50 * MS).run
    split = running.execute(application(urgent, LONG), 50 * MS).run
    assert max(split.tasks[0].responses_ns) < max(whole.tasks[0].responses_ns) / 2
    assert split.tasks[0].blocking_ns < whole.tasks[0].blocking_ns / 2


def test_declared_cpu_time_is_part_of_the_response() -> None:
    plain = running.execute(application(FAST), 5 * MS).run.tasks[0].responses_ns
    busy = running.execute(application(FAST + 'cpu = "700 us"\n'), 5 * MS).run.tasks[0].responses_ns
    assert [b - a for a, b in zip(plain, busy, strict=True)] == [700_000]


def test_instances_of_one_network_are_told_apart() -> None:
    twice = FAST + FAST.replace("fast", "other")
    run = running.execute(application(twice), 5 * MS).run
    assert {s.task for s in run.segments} == {0, 1}
    assert [len([s for s in run.segments if s.task == i]) for i in (0, 1)] == [30, 30]


@pytest.mark.parametrize("policy", ["fifo", "fp", "edf", "rr"])
def test_outputs_equal_the_references_under_every_policy(policy: str) -> None:
    outcome = running.execute(
        application(FAST, SLOW, STATEFUL, LONG), 130 * MS, policy=policy, verify=True
    )
    assert outcome.verifier is not None
    assert set(outcome.verifier.checked) == {"fast", "slow", "stateful", "long"}
    assert outcome.verifier.mismatches == []


@settings(max_examples=8)
@given(
    cut=st.sampled_from(["all", "none", "20 us", "100 us", "1 ms"]),
    policy=st.sampled_from(["fifo", "fp", "edf", "rr"]),
    offsets=st.lists(st.integers(0, 3_000), min_size=3, max_size=3),
    priorities=st.permutations([0, 1, 2]),
)
def test_outputs_equal_the_references_in_any_interleaving(
    cut: str, policy: str, offsets: list[int], priorities: list[int]
) -> None:
    tasks = [
        f'{task}offset = "{offset} us"\npriority = {priority}\n'
        for task, offset, priority in zip((FAST, SLOW, STATEFUL), offsets, priorities, strict=True)
    ]
    outcome = running.execute(application(*tasks, cut=cut, policy=policy), 45 * MS, verify=True)
    assert outcome.verifier is not None
    assert sum(outcome.verifier.checked.values()) >= 3
    assert outcome.verifier.mismatches == []


def _run(app: Packed, data: bytes, accelerator: str) -> Run:
    setup = Setup(data, board.load("corstone300"), npu_config(accelerator), app.target.system)
    return emulation.run(setup, 5 * MS)


def test_a_container_for_another_accelerator_is_refused_before_anything_runs() -> None:
    app = application(FAST)
    with pytest.raises(ValueError, match="MAC"):
        _run(app, app.data, "ethos-u55-256")


def test_a_damaged_container_is_refused_by_the_device() -> None:
    app = application(FAST)
    data = bytearray(app.data)
    data[len(data) // 2] ^= 1
    with pytest.raises(ValueError, match="CRC"):
        _run(app, bytes(data), "ethos-u55-128")


def test_an_arena_larger_than_the_board_is_refused_by_the_device() -> None:
    app = application(FAST)
    data = hkt.build(replace(app.image, arena_size=1 << 28))
    with pytest.raises(ValueError, match="arena"):
        _run(app, data, "ethos-u55-128")
