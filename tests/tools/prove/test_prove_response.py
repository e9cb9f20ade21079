# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sets import MS, US, draw, task, taskset

from hocket_lab.experiment.simulate import simulate
from hocket_tools.prove import (
    AnalysisError,
    Work,
    analyse,
    assign_priorities,
    largest_scale,
    with_priorities,
)
from hocket_tools.prove.edf import DeadlineBusyPeriods
from hocket_tools.prove.response import Solver

#: What a bound holds for the kernel's first tick.
TICK = 999


def bounds(drawn):
    return [found.bound_ns for found in analyse(drawn).tasks]


def test_a_task_alone_takes_its_own_time():
    drawn = taskset(task(segments_ns=(MS, MS), cpu_ns=7), dispatch_ns=100, resume_ns=50)
    found = analyse(drawn).tasks[0]
    assert found.own_ns == 2 * MS + 200 + 100 + 7
    # After the last segment nothing else is dispatched, but the bound does not know when.
    assert found.own_ns <= found.bound_ns <= found.own_ns + TICK + 4 * 100


def test_the_most_urgent_task_waits_for_one_segment_of_another():
    drawn = taskset(
        task("a", segments_ns=(MS,)), task("b", segments_ns=(3 * MS, 2 * MS), priority=1)
    )
    assert bounds(drawn)[0] == 4 * MS + TICK


def test_nothing_delays_a_job_whose_last_segment_has_started():
    # The urgent task comes once before the last segment, and again only during it.
    urgent = task("a", 10 * MS, (MS,))
    drawn = taskset(urgent, task("b", 40 * MS, (2 * MS, 9 * MS), priority=1))
    assert bounds(drawn)[1] == 12 * MS + TICK
    drawn = taskset(urgent, task("b", 40 * MS, (9 * MS, 2 * MS), priority=1))
    assert bounds(drawn)[1] == 13 * MS + TICK


def test_run_to_completion_waits_for_whole_jobs():
    drawn = taskset(
        task("a"), task("b", 100 * MS, (MS,) * 30, priority=1), policy="fifo", dispatch_ns=10
    )
    assert bounds(drawn)[0] >= 31 * MS + 310


def test_edf_lets_a_later_deadline_block_and_not_interfere():
    drawn = taskset(
        task("a", deadline_ns=5 * MS), task("b", 100 * MS, (MS, 3 * MS), priority=1), policy="edf"
    )
    assert bounds(drawn)[0] == 4 * MS + TICK


def test_full_utilisation_has_no_bound_and_comes_to_an_end():
    for policy in ("fp", "edf"):
        drawn = taskset(
            task("a", segments_ns=(5 * MS,)),
            task("b", segments_ns=(5 * MS,), priority=1),
            policy=policy,
        )
        proof = analyse(drawn)
        assert proof.npu_utilisation == 1
        assert not proof.schedulable
        assert proof.tasks[1].overruns


def test_utilisation_just_below_one_comes_to_an_end():
    drawn = taskset(
        task("a", 1_000_003, (500_000,)), task("b", 1_000_033, (500_001,), priority=1), policy="edf"
    )
    assert not analyse(drawn).schedulable


@pytest.mark.parametrize("policy", ["fp", "edf", "fifo", "rr"])
def test_fifty_tasks_are_analysed(policy):
    tasks = [
        task(
            f"t{i}", (5 + i) * MS + 13 * i, (150 * US // (1 + i % 3),) * 2, priority=i, cpu_ns=9_000
        )
        for i in range(50)
    ]
    proof = analyse(taskset(*tasks, policy=policy, dispatch_ns=1000, resume_ns=2000))
    assert proof.tasks[0].bound_ns is not None


def test_periods_far_apart_have_bounds_under_edf():
    tasks = [task(f"t{i}", 10 ** (6 + i) + 7 * i, (235 * 10 ** (1 + i),) * 100) for i in range(4)]
    assert None not in bounds(taskset(*tasks[:4], policy="edf"))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_line_above_all_demand_is_never_below_a_closer_look(seed):
    drawn = draw(seed, "edf")
    solver = Solver(drawn)
    solver.solve()
    longest = [t.longest_segment_ns for t in drawn.tasks]

    def ends():
        busy = DeadlineBusyPeriods(drawn, solver.stages, lambda _, other: longest[other], Work())
        return [busy.done_ns(me, 1 << 40) for me in range(len(drawn.tasks))]

    closer = ends()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hocket_tools.prove.edf._CANDIDATES", 2)
        for near, far in zip(closer, ends(), strict=True):
            assert near <= far


def test_a_deadline_beyond_the_period_holds_when_releases_queue():
    tasks = (
        task("a", 10 * MS, (6 * MS,)),
        task("b", 10 * MS, (MS, MS), deadline_ns=30 * MS, priority=1, overrun="queue"),
    )
    found = analyse(taskset(*tasks)).tasks[1]
    assert found.holds


def test_a_job_that_outlasts_its_period_overruns_where_releases_are_skipped():
    a = task("a", 10 * MS, (3 * MS,))
    b = task("b", 9 * MS, (5 * MS, 1 * MS), deadline_ns=30 * MS, priority=1)
    found = analyse(taskset(a, b)).tasks[1]
    assert found.overruns
    assert not found.holds
    assert found.bound_ns > 9 * MS


def test_ties_in_priority_delay_each_other():
    drawn = taskset(task("a"), task("b"))
    assert bounds(drawn) == [2 * MS + TICK] * 2


def test_all_times_can_grow_until_the_first_deadline_breaks():
    drawn = taskset(task("a", segments_ns=(2 * MS,), deadline_ns=5 * MS))
    scale = largest_scale(drawn)
    assert Fraction(249, 100) < scale <= Fraction(5, 2)
    assert analyse(drawn.scaled(scale.numerator, scale.denominator)).schedulable


def test_an_order_is_found_where_deadlines_give_a_wrong_one():
    # A short deadline with a job that must not be blocked loses to one that may.
    a = task("a", 20 * MS, (4 * MS,), deadline_ns=12 * MS, cpu_ns=0)
    b = task("b", 20 * MS, (1 * MS,) * 2, deadline_ns=11 * MS, jitter_ns=3 * MS)
    drawn = taskset(a, b)
    found = assign_priorities(drawn)
    assert found is not None
    assert analyse(with_priorities(drawn, found)).schedulable


def test_no_order_is_found_where_none_exists():
    drawn = taskset(task("a", deadline_ns=MS + MS // 2), task("b", deadline_ns=MS + MS // 2))
    assert assign_priorities(drawn) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"period_ns": 0},
        {"deadline_ns": 0},
        {"segments_ns": ()},
        {"segments_ns": (MS, 0)},
        {"cpu_ns": -1},
        {"jitter_ns": -1},
    ],
)
def test_a_task_that_cannot_be_is_refused(changes):
    with pytest.raises(AnalysisError, match="task t"):
        task(**changes)


def test_two_tasks_of_one_name_are_refused():
    with pytest.raises(AnalysisError, match="a, a"):
        taskset(task("a"), task("a"))


def test_aborted_jobs_are_not_simulated():
    with pytest.raises(AnalysisError, match="abort"):
        simulate(taskset(task(overrun="abort")), MS)


def test_a_set_that_may_abort_jobs_has_no_bounds():
    drawn = taskset(
        task("a", MS, (MS * 6 // 10,), overrun="abort"), task("b", MS, (MS // 2,), priority=1)
    )
    assert bounds(drawn) == [None, None]


def test_releases_of_less_urgent_tasks_delay_the_most_urgent_one():
    tasks = (task("top", segments_ns=(MS,)), task("low", segments_ns=(1,), priority=1))
    drawn = taskset(*tasks)
    costs = replace(drawn, release_ns=30_000, resume_ns=7_000, completion_ns=500)
    # All that is due is released before anything is resumed: two releases before the first resume,
    # and the other task's, if it comes then, before the second.
    assert simulate(costs, 10 * MS).worst_ns(0) == 2 * 30_000 + 2 * 7_000 + 500 + MS
    bound = analyse(costs).tasks[0].bound_ns
    assert bound >= simulate(costs, 10 * MS).worst_ns(0)
