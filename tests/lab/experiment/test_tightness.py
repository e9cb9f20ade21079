# SPDX-License-Identifier: Apache-2.0
"""Bounds of networks on both units beside the longest responses that are found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_lab.experiment.mixed import divided, draw_mixed
from hocket_lab.experiment.tightness import Compared, compare, ratios


@given(st.randoms(use_true_random=False), st.integers(1, 10**9), st.integers(1, 60))
def test_parts_sum_to_the_whole_and_none_is_too_short(rng, total, count):
    parts = divided(rng, total, count, 100)
    assert min(parts) >= 100
    assert sum(parts) == max(total, 100)
    assert len(parts) <= count


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32))
def test_neither_unit_of_a_drawn_set_is_full(seed):
    drawn = draw_mixed(seed, "fp")
    assert sum(drawn.demand_ns(t) / t.period_ns for t in drawn.tasks) < 0.71
    assert sum(drawn.cpu_demand_ns(t) / t.period_ns for t in drawn.tasks) < 0.71
    assert draw_mixed(seed, "fp") == drawn


def test_ratios_are_those_of_the_tasks_that_have_a_bound():
    compared = [Compared(10 + n, 10) for n in range(99)] + [Compared(None, 5)]
    told = ratios(compared)
    assert told["mixed_bound_over_observed"] == {"median": 5.9, "p95": 10.4, "min": 1.0}
    assert told["mixed_tasks_without_bound"] == 1


def test_no_job_is_later_than_its_bound():
    for seed in range(4):
        assert all(each.ratio is None or each.ratio >= 1 for each in compare(seed))


@pytest.mark.slow
def test_bounds_of_hundreds_of_sets_are_near_what_is_seen():
    told = ratios([each for seed in range(200) for each in compare(seed)])
    found = told["mixed_bound_over_observed"]
    assert found["min"] >= 1
    assert found["median"] <= 1.25
    assert found["p95"] <= 2
