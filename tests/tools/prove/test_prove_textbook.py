# SPDX-License-Identifier: Apache-2.0
"""Without costs of the kernel and work on the CPU, bounds are those of the textbooks."""

import random

import pytest
import textbook
from sets import MS

from hocket_tools.prove import TaskModel, TaskSet, analyse

#: A release comes at the tick at or before its instant.
JITTER = 999


def draw(seed):
    """Tasks as (period, deadline, segments, priority), two of which may be equally urgent."""
    rng = random.Random(seed)
    while True:
        count = rng.randint(2, 4)
        tasks = []
        for index in range(count):
            period = rng.randint(5, 40) * MS // 4 + rng.randint(0, 5000)
            pieces = rng.randint(1, 4)
            length = period * rng.uniform(0.1, 0.9) / count / pieces
            segments = tuple(int(length * rng.uniform(0.4, 1.6)) + 1 for _ in range(pieces))
            deadline = int(period * rng.uniform(0.5, 1)) // 1000 * 1000
            priority = index if rng.random() < 0.8 else max(index - 1, 0)
            tasks.append((period, deadline, segments, priority))
        if sum(sum(segments) / period for period, _, segments, _ in tasks) < 0.97:
            return tasks


@pytest.mark.parametrize(
    ("policy", "response"), [("fp", textbook.fixed_priority), ("edf", textbook.edf)]
)
def test_bounds_are_those_of_the_textbook(policy, response):
    for seed in range(60):
        tasks = draw(seed)
        models = (
            TaskModel(f"t{index}", period, deadline, segments, priority=priority)
            for index, (period, deadline, segments, priority) in enumerate(tasks)
        )
        proof = analyse(TaskSet(tuple(models), policy, 0, 0))
        expected = [response(tasks, me, JITTER) for me in range(len(tasks))]
        assert [found.bound_ns for found in proof.tasks] == expected
