# SPDX-License-Identifier: Apache-2.0
"""Each number of an advice is enough alone, and one less is not."""

import re
from dataclasses import replace

import pytest
from synthetic import Numbers, choices

from hocket_host.units import parse_frequency
from hocket_tools.plan import Planner, advice, plan
from hocket_tools.plan.advice import SEARCH, _least
from hocket_tools.prove import TaskModel, TaskSet, Work, deadline_monotonic, with_priorities

MS = 1_000_000
MHZ = 1_000_000


class Made(Planner):
    """Networks made of numbers; their lengths follow the clock."""

    def __init__(self, taskset, networks):
        self.taskset = taskset
        self._made = networks

    @property
    def npu_hz(self):
        return 100 * MHZ

    def plan(self, taskset=None, npu_hz=None, work=None):
        hz = npu_hz or self.npu_hz
        networks = [
            Numbers(*(tuple(-(-ns * self.npu_hz // hz) for ns in row) for row in lengths))
            for lengths in ((n.operations, n.prologues) for n in self._made)
        ]
        wanted = taskset or self.taskset
        return plan(wanted, choices(wanted, networks), work)

    def holds(self, **changes):
        return self.plan(**changes).obstacle is None

    def advice(self):
        return advice(self, self.plan(), Work(SEARCH), False)

    def with_task(self, name, **changes):
        tasks = (replace(t, **changes) if t.name == name else t for t in self.taskset.tasks)
        return replace(self.taskset, tasks=tuple(tasks))


def blocked():
    """An urgent task that has to wait for an operation longer than it can bear."""
    tasks = (
        TaskModel("urgent", 20 * MS, 5 * MS, (1,), priority=0),
        TaskModel("large", 100 * MS, 100 * MS, (1,), priority=1),
    )
    networks = [Numbers((2 * MS,), (0,)), Numbers((MS, 4 * MS, MS), (0, 100, 100))]
    return Made(TaskSet(tasks, "fp", 1000, 2000), networks)


def told(planner, pattern):
    """What the first line of the advice that matches says; later ones take longer to find."""
    found = (re.search(pattern, line) for line in planner.advice())
    return next(match.groups() for match in found if match)


def test_the_clock_is_the_slowest_in_whole_mhz_that_would_do():
    planner = blocked()
    (clock,) = told(planner, r'clock = "(\d+ MHz)" in \[npu\] would do instead of 100 MHz')
    hz = parse_frequency(clock)
    assert planner.holds(npu_hz=hz)
    assert not planner.holds(npu_hz=hz - MHZ)


def test_the_deadline_is_the_least_that_would_do():
    planner = blocked()
    deadline, name = told(planner, r"a deadline of (.*) for (\w+)")
    assert name == "urgent"
    # 2 ms of its own, 4 ms and a prologue of the other's, and the costs of the kernel.
    assert 6 * MS < planner.plan().proof.tasks[0].bound_ns < 6.1 * MS
    assert deadline.startswith("6.0")


@pytest.mark.parametrize("low", [0, 1, 7, 30])
def test_the_least_number_that_holds_is_found_above_one_that_fails(low):
    for threshold in range(low + 1, 140):
        found = _least(low, 128, lambda number, threshold=threshold: number >= threshold)
        # Strides are doubled, and none begins that would end beyond the last number.
        assert found == threshold or (found is None and 2 * threshold > 128)
    assert _least(low, 128, lambda number: number > 1000) is None


def test_who_is_in_the_way_is_told_with_both_lengths():
    line = next(blocked().advice())
    assert line.startswith("shorter segments of large: urgent can wait for 2.99")
    assert "large has operations of 4.0" in line


def test_priorities_against_the_deadlines_are_told_to_be_left_out():
    planner = blocked()
    planner._made[1] = Numbers((MS,) * 8, (100,) * 8)
    swapped = with_priorities(planner.taskset, (1, 0))
    assert planner.holds()
    planner.taskset = swapped
    assert "priorities by deadline: leave them out" in planner.advice()
    right = with_priorities(swapped, deadline_monotonic(swapped))
    assert planner.holds(taskset=right)


def test_a_plan_that_holds_needs_no_advice():
    planner = blocked()
    planner._made[1] = Numbers((MS,), (0,))
    assert list(planner.advice()) == []
