# SPDX-License-Identifier: Apache-2.0
"""Small networks made of numbers, and every way to cut them."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from fractions import Fraction

from hocket_tools.plan import Choices
from hocket_tools.prove import TaskModel, TaskSet, analyse, deadline_monotonic, with_priorities


@dataclass(frozen=True)
class Numbers:
    """Operations with their lengths, and what a segment that begins before each costs."""

    operations: tuple[int, ...]
    prologues: tuple[int, ...]

    @property
    def nodes(self):
        return len(self.operations) + 1

    def length_ns(self, first, last):
        return sum(self.operations[first:last]) + (self.prologues[first] if first else 0)

    def least_ns(self, first, last):
        return sum(self.operations[first:last])

    def measure(self, cuts):
        ends = (0, *cuts, len(self.operations))
        return tuple(self.length_ns(a, b) for a, b in itertools.pairwise(ends))

    def fastest(self, cuts):
        return ()

    def all_cuts(self):
        inner = range(1, self.nodes - 1)
        return [c for k in range(self.nodes - 1) for c in itertools.combinations(inner, k)]


def draw(seed, policy):
    """Two or three tasks on small networks, and the networks."""
    rng = random.Random(seed)
    count = rng.choice([2, 3])
    dispatch, resume = rng.choice([0, 3000, 20000]), rng.choice([0, 5000, 30000])
    load = rng.uniform(0.3, 0.9)
    tasks, networks = [], []
    for index in range(count):
        size = rng.randint(1, 6 if count == 2 else 4)
        period = int(10 ** rng.uniform(6, 7)) // 1000 * 1000
        total = int(period * load * rng.uniform(0.2, 1.5) / count)
        weights = [rng.random() ** 2 + 0.02 for _ in range(size)]
        lengths = tuple(max(int(total * w / sum(weights)), 1) for w in weights)
        networks.append(Numbers(lengths, tuple(rng.randint(0, 20000) for _ in lengths)))
        deadline = int(period * rng.uniform(0.3, 1))
        cpu = rng.choice([0, 0, 10000])
        tasks.append(TaskModel(f"t{index}", period, deadline, (1,), cpu_ns=cpu))
    drawn = TaskSet(tuple(tasks), policy, dispatch, resume)
    return with_priorities(drawn, deadline_monotonic(drawn)), networks


def draw_blocked(seed, policy):
    """A short task, and a network of long and short operations that it has to wait for."""
    rng = random.Random(seed)
    dispatch, resume = rng.choice([3000, 20_000, 20_000]), rng.choice([5000, 30_000, 60_000])
    own = (rng.randint(1000, 60_000),)
    urgent = TaskModel("a", 1_000_000, 1_000_000, own, cpu_ns=rng.choice([0, 20_000, 50_000]))
    operations = tuple(
        rng.choice([rng.randint(1000, 15_000), rng.randint(20_000, 120_000)])
        for _ in range(rng.randint(3, 6))
    )
    prologues = tuple(rng.choice([0, 500, rng.randint(0, 20_000)]) for _ in operations)
    other = TaskModel("b", 4_000_000, 4_000_000, (1,), cpu_ns=rng.choice([0, 30_000]), priority=1)
    networks = [Numbers(own, (0,)), Numbers(operations, prologues)]
    return TaskSet((urgent, other), policy, dispatch, resume), networks


def choices(drawn, networks):
    return [Choices(network, drawn.dispatch_ns) for network in networks]


def cut(drawn, networks, cuts):
    """A set with its networks cut in a given way."""
    tasks = zip(drawn.tasks, networks, cuts, strict=True)
    return replace(drawn, tasks=tuple(replace(t, segments_ns=n.measure(c)) for t, n, c in tasks))


def load(drawn):
    """Share of the NPU's time that a set takes."""
    return sum(Fraction(drawn.demand_ns(t), t.period_ns) for t in drawn.tasks)


def cheapest(drawn, networks):
    """Load of the cheapest way to cut with every deadline proved, by trying all; or None."""
    ways = itertools.product(*(network.all_cuts() for network in networks))
    by_load = sorted((cut(drawn, networks, cuts) for cuts in ways), key=load)
    return next((load(way) for way in by_load if analyse(way).schedulable), None)


def tightest(drawn, networks, me):
    """A set whose task has the shortest deadline that some way to cut still keeps."""
    ways = itertools.product(*(network.all_cuts() for network in networks))
    proofs = [analyse(cut(drawn, networks, cuts)) for cuts in ways]
    others_hold = [
        proof for proof in proofs if all(t.holds for i, t in enumerate(proof.tasks) if i != me)
    ]
    bounds = [proof.tasks[me].bound_ns for proof in others_hold]
    deadline = min(bound for bound in bounds if bound is not None)
    tasks = list(drawn.tasks)
    tasks[me] = replace(tasks[me], deadline_ns=deadline)
    return replace(drawn, tasks=tuple(tasks))
