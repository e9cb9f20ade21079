# SPDX-License-Identifier: Apache-2.0
"""Networks over both units on the emulated board: exact, and in the time that their steps take."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache
from itertools import groupby

import numpy as np
import pytest

from hocket_host.board import board
from hocket_host.ethosu.config import npu_config
from hocket_host.machines import micropython
from hocket_host.machines.cpython import emulation
from hocket_host.machines.setup import Setup
from hocket_host.units import cycles_to_ns
from hocket_tools import container as hkt
from rigs.mixed import ACCELERATOR, image, mover, network, stream, system

MS = 1_000_000
POLICIES = (hkt.Policy.FIFO, hkt.Policy.FP, hkt.Policy.EDF, hkt.Policy.RR)


@cache
def application(policy: hkt.Policy = hkt.Policy.FP) -> hkt.Image:
    """A streaming network with state; a more urgent one whose steps come between; one without."""
    long = network("mww_alexa", name="stream")
    short = network("hello_world_int8", name="sine", arena_offset=long.arena_size, every=1)
    third = long.arena_size + short.arena_size
    tasks = (
        hkt.Task("stream", 0, 200 * MS, 200 * MS, 0, 5),
        hkt.Task("sine", 1, 8 * MS, 8 * MS, 100_000, 0),
        hkt.Task("mover", 2, 10 * MS, 10 * MS, 0, 2),
    )
    return image([long, short, mover(name="mover", arena_offset=third, segments=3)], tasks, policy)


def rounds():
    still = np.zeros(4096, np.int8)
    return {
        "stream": stream("mww_alexa", 4),
        "sine": stream("hello_world_int8", 60),
        "mover": [((still,), (still,))] * 50,
    }


def setup(policy: hkt.Policy = hkt.Policy.FP, *, worst: bool = False) -> Setup:
    sources = {name: (given for given, _ in found) for name, found in rounds().items()}
    data, npu = hkt.build(application(policy)), npu_config(ACCELERATOR)
    return Setup(data, board.load("corstone300"), npu, system(), sources, worst=worst)


@cache
def run(policy: hkt.Policy = hkt.Policy.FP, worst: bool = False):
    """An emulation of two frames of the stream, and the outputs of each task."""
    outputs = defaultdict(list)
    result = emulation.run(
        setup(policy, worst=worst),
        401 * MS,
        lambda task, _, found: outputs[task].append(found),
    )
    return result, outputs


def whole_ns(step: hkt.Step, *, worst: bool = False) -> int:
    cycles = step.worst_cycles if worst else step.nominal_cycles
    return cycles_to_ns(cycles, board.load("corstone300").cpu_hz)


@pytest.mark.parametrize("policy", POLICIES)
def test_outputs_are_the_oracles_under_every_policy(policy: hkt.Policy) -> None:
    result, outputs = run(policy)
    assert [task.skipped for task in result.tasks] == [0, 0, 0]
    assert [len(outputs[name]) for name in ("stream", "sine")] == [2, 50]
    for name, found in outputs.items():
        expected = [answer for _, answer in rounds()[name]]
        for one, other in zip(found, expected, strict=False):
            np.testing.assert_array_equal(one[0], other[0])


def test_every_step_runs_in_order_on_its_unit() -> None:
    result, _ = run()
    for index, model in enumerate(application().models):
        seen = [(s.start_ns, s.step) for s in result.segments if s.task == index]
        seen += [(w.start_ns, w.step) for w in result.cpu if (w.task, w.kind) == (index, "step")]
        order = [step for step, _ in groupby(step for _, step in sorted(seen))]
        jobs = -(-len(order) // len(model.steps))
        assert order == (list(range(len(model.steps))) * jobs)[: len(order)]


@pytest.mark.parametrize("worst", [False, True])
def test_a_step_takes_the_cycles_of_the_container_at_the_processors_clock(worst: bool) -> None:
    result, _ = run(worst=worst)
    for index, model in enumerate(application().models):
        ends = [job.end_ns for job in result.tasks[index].jobs if job.outcome == "done"]
        spent = Counter()
        for work in result.cpu:
            if work.task == index and work.kind == "step" and work.end_ns <= ends[-1]:
                spent[work.step] += work.end_ns - work.start_ns
        assert spent == {
            number: len(ends) * whole_ns(step, worst=worst)
            for number, step in enumerate(model.steps)
            if step.program is not None
        }


def test_a_task_is_told_the_processors_time_of_its_steps() -> None:
    result, _ = run()
    for index, task in enumerate(result.tasks):
        works = [w for w in result.cpu if (w.task, w.kind) == (index, "step")]
        assert task.steps_ns == sum(w.end_ns - w.start_ns for w in works)
    assert [task.steps_ns > 0 for task in result.tasks] == [True, True, False]


def test_an_npu_segment_runs_while_the_processor_is_in_another_networks_step() -> None:
    result, _ = run()
    inside = [
        (s, w)
        for s in result.segments
        for w in result.cpu
        if w.kind == "step" and w.task != s.task and s.start_ns < w.end_ns and w.start_ns < s.end_ns
    ]
    assert len(inside) > 10
    assert 2 in {s.task for s, _ in inside}


def test_an_urgent_task_waits_for_one_stretch_of_the_processor_at_most() -> None:
    result, _ = run(worst=True)
    profile = board.load("corstone300")
    stretches = [0]
    for step in application().models[0].steps:
        if step.program is None:
            stretches.append(0)
            continue
        stretches[-1] += step.cpu_step_cycles if step.program.runs_on else 0
        if not step.program.runs_on:
            stretches.append(step.cpu_step_cycles)
    longest = cycles_to_ns(max(stretches), profile.cpu_hz)
    own = sum(whole_ns(step, worst=True) for step in application().models[1].steps if step.program)
    overhead = cycles_to_ns(
        20 * (profile.resume_cpu_cycles + profile.dispatch_cpu_cycles), profile.cpu_hz
    )
    segments = sum(not step.program for step in application().models[1].steps)
    # Each return from the NPU may find the processor in another stretch.
    assert max(result.tasks[1].responses_ns) < own + (1 + segments) * longest + overhead + MS


def test_two_runs_are_identical() -> None:
    first, _ = run()
    run.cache_clear()
    assert run()[0] == first


@pytest.mark.needs("micropython")
def test_micropython_comes_to_the_same_outputs_and_times() -> None:
    result, outputs = run()
    there = []
    on_micropython = micropython.run(
        setup(), 401 * MS, lambda task, _, given: there.append((task, given[0].tobytes()))
    )
    for name, found in outputs.items():
        assert [data for task, data in there if task == name] == [o[0].tobytes() for o in found]
    # The last one may be cut short in one of the two.
    expected, found = result.segments[:-1], on_micropython.segments
    begun_ns = found[0].start_ns - expected[0].start_ns
    moved = [replace(s, start_ns=s.start_ns - begun_ns, end_ns=s.end_ns - begun_ns) for s in found]
    assert tuple(moved[: len(expected)]) == expected
