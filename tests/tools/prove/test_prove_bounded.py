# SPDX-License-Identifier: Apache-2.0
"""However far periods are apart, an analysis ends within its steps and little memory."""

import random
import sys
import tracemalloc
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sets import MS, task, taskset

from hocket_tools.container import StepKind
from hocket_tools.prove import CpuRun, TaskModel, TaskSet, Work, analyse, largest_scale
from hocket_tools.prove.steps import timed
from hocket_tools.prove.work import ANALYSIS

S = 1000 * MS
MEMORY = 64 << 20
#: Python functions that an analysis of `ANALYSIS` steps may call.
CALLS = 12_000_000


def extreme(seed, policy):
    """Periods from 1 ms to 300 s, CPU steps up to seconds, hundreds of segments or of links."""
    rng = random.Random(seed)
    tasks = []
    for index in range(rng.randint(2, 8)):
        period = int(10 ** rng.uniform(0, 5.5) * MS)
        share = rng.uniform(0, 0.6)
        count = rng.choice([0, 1, 3, 300])
        segments = (max(int(period * share / max(count, 1)), 1),) * count
        places = sorted(rng.sample(range(count + 1), rng.choice([0, 1, min(count, 40)])))
        length = int(period * rng.uniform(0, 0.6) / max(len(places), 1))
        times = rng.choice([1, 7, 100_000])
        runs = tuple(CpuRun(place, ((length // times, times),)) for place in places)
        overrun = rng.choice(["skip", "queue"])
        tasks.append(
            TaskModel(
                f"t{index}",
                period,
                int(period * rng.choice([0.3, 1, 1, 1000])) if overrun == "queue" else period,
                segments if segments or runs else (1,),
                cpu_runs=runs,
                jitter_ns=rng.choice([0, 0, rng.randrange(100 * S)]),
                priority=rng.randrange(4),
                overrun=overrun,
            )
        )
    costs = rng.choice([(0, 0, 0, 0), (18_750, 281_250, 9_375, 100_000)])
    return TaskSet(tuple(tasks), policy, *costs)


def counted(function):
    """Peak memory and number of Python calls."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    tracemalloc.start()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak, calls


@pytest.mark.parametrize("policy", ["fp", "edf", "fifo", "rr"])
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32))
def test_time_and_memory_of_an_analysis_are_bounded(policy, seed):
    drawn = extreme(seed, policy)
    peak, calls = counted(lambda: analyse(drawn))
    assert peak < MEMORY
    assert calls < CALLS


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["fp", "edf", "fifo", "rr"])
def test_time_and_memory_of_hundreds_of_analyses_are_bounded(policy):
    for seed in range(100):
        drawn = extreme(seed, policy)
        peak, calls = counted(lambda drawn=drawn: analyse(drawn))
        assert peak < MEMORY, seed
        assert calls < CALLS, seed


@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_seconds_beside_milliseconds_have_bounds(policy):
    # Long on the CPU beside a fast one: half a minute of busy periods, 300,000 releases.
    fast = task("fast", MS, (100_000,))
    slow = task("slow", 300 * S, (10 * MS,) * 10, priority=1, jitter_ns=100 * S)
    slow = TaskModel(**{**vars(slow), "cpu_runs": (CpuRun(1, ((100_000, 100_000),)),)})
    proof = analyse(taskset(fast, slow, policy=policy))
    assert proof.tasks[0].bound_ns >= 100_000
    assert 110 * S <= proof.tasks[1].bound_ns <= 125 * S


def test_an_analysis_that_ends_early_says_so_and_claims_nothing():
    drawn = taskset(task("a"), task("b", priority=1))
    assert not analyse(drawn).gave_up
    proof = analyse(drawn, Work(3))
    assert proof.gave_up
    assert [found.bound_ns for found in proof.tasks] == [None, None]
    assert not proof.schedulable


@pytest.mark.parametrize("steps", range(0, 400, 23))
def test_an_analysis_that_ends_anywhere_claims_no_more_than_one_that_does_not(steps):
    drawn = extreme(7, "edf")
    whole, part = analyse(drawn), analyse(drawn, Work(steps))
    for closer, found in zip(whole.tasks, part.tasks, strict=True):
        assert found.bound_ns is None or found.bound_ns >= closer.bound_ns


def test_a_fixed_point_far_away_is_bounded_from_above():
    # 0.9999 of the time is taken: the least fixed point is 10,000 steps of 1 away and more.
    def busy(length):
        return 1000 + length * 9999 // 10_000

    exact = next(x for x in range(9_900_000, 10**8) if busy(x) <= x)
    assert exact <= Work().fixed_point(busy, 1 << 40) <= 2 * exact
    assert Work().fixed_point(lambda x: x + 1, 1 << 40) >= 1 << 60


def test_steps_of_an_operator_are_counted_and_not_listed():
    program = SimpleNamespace(steps=2**32 - 1, step_cycles=1000, runs_on=False)
    whole = 1000 * (2**32 - 1)
    step = SimpleNamespace(kind=StepKind.CPU, worst_cycles=whole, program=program)
    found = timed([step], 10**9, 33_000_000, "worst")
    run = found.cpu_runs[0]
    assert run.count == 2**32 - 1
    assert len(run.steps) < 50_000
    assert whole * 1000 // 33 <= run.total_ns <= whole * 1000 // 33 + 2**32


def test_the_largest_factor_of_a_set_without_end_is_found_in_as_few_steps():
    peak, calls = counted(lambda: largest_scale(extreme(3, "edf")))
    assert peak < MEMORY
    assert calls < 4 * CALLS


def test_an_analysis_is_given_steps_for_fifty_tasks():
    tasks = [task(f"t{i}", (5 + i) * MS, (150_000,), priority=i) for i in range(50)]
    assert not analyse(taskset(*tasks, policy="edf"), Work(ANALYSIS)).gave_up
