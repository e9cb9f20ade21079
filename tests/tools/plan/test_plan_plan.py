# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from fractions import Fraction

import pytest
from synthetic import Numbers, cheapest, choices, draw, draw_blocked, tightest

from hocket_tools.plan import Fixed, Placement, plan
from hocket_tools.prove import TaskModel, TaskSet

MS = 1_000_000


def compare(seeds, policy):
    """Planner against exhaustive search: feasible sets, sets missed, and sets at a higher cost."""
    feasible = missed = dearer = 0
    for seed in seeds:
        drawn, networks = draw(seed, policy)
        best = cheapest(drawn, networks)
        found = plan(drawn, choices(drawn, networks))
        if found.obstacle is None:
            assert found.proof.schedulable
            assert best is not None
        if best is not None:
            feasible += 1
            missed += found.obstacle is not None
            dearer += found.obstacle is None and found.proof.npu_utilisation > best
    return feasible, missed, dearer


@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_the_planner_succeeds_whenever_any_placement_does(policy):
    # Of these first forty sets the others have no placement at all.
    seeds = [0, 1, 3, 6, 7, 8, 14, 17, 21, 23, 30, 34, 35, 38, 39]
    assert compare(seeds, policy) == (15, 0, 0)


@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_the_cheapest_cuts_are_found_for_the_tightest_deadline_that_any_keep(policy):
    cut = 0
    for seed in (1, 2, 3, 4, 6, 8, 9, 10, 11, 14, 16, 17, 18, 19, 20, 21, 22):
        drawn, networks = draw_blocked(seed, policy)
        tight = tightest(drawn, networks, 0)
        found = plan(tight, choices(tight, networks))
        assert found.proof.schedulable
        assert found.proof.npu_utilisation == cheapest(tight, networks)
        cut += any(placement.cuts for placement in found.placements)
    assert cut == 17


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["fp", "edf"])
def test_the_planner_succeeds_over_many_sets(policy):
    feasible, missed, dearer = compare(range(1000, 2500), policy)
    assert missed * 200 <= feasible
    assert dearer * 50 <= feasible


def tight_for(drawn, networks, me):
    """The tightest deadline of a task that any cuts keep is planned for, and none below it."""
    tight = tightest(drawn, networks, me)
    found = plan(tight, choices(tight, networks))
    tasks = list(tight.tasks)
    tasks[me] = replace(tasks[me], deadline_ns=tasks[me].deadline_ns - 1)
    beyond = replace(tight, tasks=tuple(tasks))
    return found.obstacle is None and plan(beyond, choices(beyond, networks)).obstacle is not None


@pytest.mark.parametrize("seed", [43, 138, 153, 197, 229, 285])
def test_segments_are_kept_as_long_as_the_cpu_needs_between_dispatches(seed):
    # Each set needs one of the least lengths: none of these is planned with the cheapest cuts.
    assert tight_for(*draw_blocked(seed, "fp"), 0)


def test_a_task_that_is_late_by_itself_gets_a_longer_last_segment():
    # The other's deadline needs a cut, of which the cheapest leaves too short a last segment.
    drawn, networks = draw_blocked(133, "fp")
    drawn = tightest(drawn, networks, 0)
    urgent = replace(drawn.tasks[0], deadline_ns=drawn.tasks[0].deadline_ns * 11 // 10)
    assert tight_for(replace(drawn, tasks=(urgent, drawn.tasks[1])), networks, 1)


URGENT = TaskModel("urgent", 20 * MS, 5 * MS, (1,), priority=0)
LARGE = TaskModel("large", 100 * MS, 100 * MS, (1,), priority=1)
SET = TaskSet((URGENT, LARGE), "fp", 1000, 2000)
SMALL = Numbers((2 * MS,), (0,))


def test_nothing_is_cut_where_nothing_has_to_be():
    found = plan(SET, choices(SET, [SMALL, Numbers((MS, MS), (0, 100))]))
    assert [p.cuts for p in found.placements] == [(), ()]
    assert found.overhead == 0


def test_as_few_cuts_are_made_as_the_deadline_needs():
    found = plan(SET, choices(SET, [SMALL, Numbers((MS,) * 10, (100,) * 10)]))
    assert found.proof.schedulable
    assert len(found.placements[1].cuts) == 4
    assert found.overhead == Fraction(4 * (100 + 1000), 100 * MS)


def test_the_most_urgent_network_is_never_cut():
    found = plan(SET, choices(SET, [Numbers((MS, MS), (0, 0)), Numbers((MS,) * 10, (100,) * 10)]))
    assert found.placements[0].cuts == ()


def test_what_cannot_be_cut_short_enough_is_named_with_both_lengths():
    found = plan(SET, choices(SET, [SMALL, Numbers((MS, 4 * MS, MS), (0, 100, 100))]))
    obstacle = found.obstacle
    assert obstacle is not None
    assert (obstacle.task, obstacle.blocker, obstacle.shortest_ns) == (0, 1, 4 * MS + 100)
    assert 2_900_000 < obstacle.tolerance_ns < 3 * MS
    assert not found.proof.schedulable


def test_a_task_that_fails_by_itself_has_no_blocker():
    found = plan(SET, choices(SET, [Numbers((6 * MS,), (0,)), SMALL]))
    assert (found.obstacle.task, found.obstacle.blocker) == (0, None)


def test_cuts_that_are_given_stay():
    given = Placement((1,), (2 * MS, 2 * MS))
    found = plan(SET, [*choices(SET, [SMALL]), Fixed(given)])
    assert found.placements[1] == given


def test_run_to_completion_is_never_cut():
    fifo = TaskSet(SET.tasks, "fifo", 1000, 2000)
    found = plan(fifo, choices(fifo, [SMALL, Numbers((MS,) * 10, (100,) * 10)]))
    assert [p.cuts for p in found.placements] == [(), ()]
    assert found.obstacle is not None


def test_round_robin_gets_slices_short_enough():
    turns = TaskSet(SET.tasks, "rr", 1000, 2000)
    found = plan(turns, choices(turns, [SMALL, Numbers((MS,) * 10, (100,) * 10)]))
    assert found.proof.schedulable
    assert found.placements[1].cuts
