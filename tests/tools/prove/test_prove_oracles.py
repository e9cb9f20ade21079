# SPDX-License-Identifier: Apache-2.0
"""Bounds for the NPU alone against two analyses that share nothing with Hocket's.

One looks at every run of a small set. The other is verified in PROSA, and says the same to the
nanosecond for whatever blocks has begun a unit of time before; under EDF it counts a late release's
deadline from its arrival, Hocket and the device from its nominal instant, a tick before at most.
"""

import random
from fractions import Fraction

import pytest
from exact import Small, worst_responses
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_lab.experiment.oracle import agree, draw_npu, verified_ns
from hocket_tools.prove import TaskModel, TaskSet, analyse

MS = 1_000_000
#: A job's release waits for its tick.
TICK = 999


def small(seed, varying):
    """Two or three tasks with work for no more time than there is."""
    rng = random.Random(seed)
    while True:
        count = rng.choice([2, 2, 3])
        tasks = []
        for _ in range(count):
            period = rng.randint(3, 10 if count == 2 else 6)
            segments = tuple(rng.randint(1, 3) for _ in range(rng.randint(1, 5 - count)))
            least = tuple(rng.randint(1, e) for e in segments) if varying else ()
            tasks.append(Small(period, rng.randint(1, period), segments, least))
        if sum(Fraction(sum(t.segments), t.period) for t in tasks) <= 1:
            return tasks


def modelled(tasks, policy):
    return TaskSet(
        tuple(
            TaskModel(
                f"t{index}",
                t.period * MS,
                t.deadline * MS,
                tuple(e * MS for e in t.segments),
                priority=index,
                least_ns=tuple(e * MS for e in t.least),
            )
            for index, t in enumerate(tasks)
        ),
        policy,
    )


def compare(seed, policy, varying):
    """How many bounds are the true worst case, and how many there are that could be."""
    tasks = small(seed, varying)
    proof = analyse(modelled(tasks, policy))
    worst = worst_responses(tasks, policy)
    exact = proved = 0
    for found, response in zip(proof.tasks, worst, strict=True):
        if found.bound_ns is None:
            continue
        assert found.bound_ns >= response * MS
        if not any(other.overruns for other in proof.tasks):
            proved += 1
            exact += found.bound_ns == response * MS + TICK
    return exact, proved


@pytest.mark.parametrize("varying", [False, True])
@pytest.mark.parametrize("policy", ["fp", "edf"])
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_no_bound_is_below_the_true_worst_case(policy, varying, seed):
    compare(seed, policy, varying)


@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_bounds_of_sets_that_keep_their_periods_are_the_true_worst_case(policy):
    found = [compare(seed, policy, varying=False) for seed in range(150)]
    exact, proved = map(sum, zip(*found, strict=True))
    assert proved > 60
    assert exact == proved


@pytest.mark.parametrize("policy", ["fp", "edf"])
@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_bounds_are_those_of_the_verified_analysis(policy, seed):
    drawn = draw_npu(seed, policy)
    for found, verified in zip(analyse(drawn).tasks, verified_ns(drawn), strict=True):
        assert agree(found.bound_ns, verified, policy)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_bounds_of_thousands_of_sets_are_those_of_the_verified_analysis(policy):
    for seed in range(3000):
        drawn = draw_npu(seed, policy)
        for found, verified in zip(analyse(drawn).tasks, verified_ns(drawn), strict=True):
            assert agree(found.bound_ns, verified, policy), seed


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_no_bound_of_hundreds_of_sets_is_below_the_true_worst_case(policy):
    for seed in range(1000, 1400):
        compare(seed, policy, varying=seed % 2 == 1)
