# SPDX-License-Identifier: Apache-2.0
"""Random task sets whose networks are on both units, with CPU work of every length.

Real structure, random sizes: operators in CPU steps as long as packing makes them, between segments
of any length, with one cut or sixty; some networks are on one unit alone, some bodies compute.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from hocket_host.board import board as boards
from hocket_host.units import cycles_to_ns
from hocket_tools.cpu.costs import STEP_CYCLES
from hocket_tools.prove import (
    CpuRun,
    KernelCosts,
    TaskModel,
    TaskSet,
    deadline_monotonic,
    with_priorities,
)
from hocket_tools.prove.taskset import Policy

from .draw import uunifast

#: Of the processor: the profile's and a fast Cortex-M55's.
_CLOCKS = (32_000_000, 400_000_000)
_FULL = 0.7
"""Of a unit's time, beyond which a set is drawn again."""
_SHORTEST_NS = 20_000


def draw_mixed(seed: int, policy: Policy) -> TaskSet:
    """Two to five tasks; periods from 10 ms to 3 s, a job's CPU work from nothing to half of it.

    Each unit's share of time is drawn by itself, and shared by UUniFast.
    """
    rng = random.Random(seed)
    while True:
        drawn = _draw(rng, policy)
        loads = [(drawn.demand_ns(t) / t.period_ns, drawn.cpu_demand_ns(t) / t.period_ns)
                 for t in drawn.tasks]  # fmt: skip
        if max(map(sum, zip(*loads, strict=True))) <= _FULL:
            return drawn


def _draw(rng: random.Random, policy: Policy) -> TaskSet:
    cpu_hz = rng.choice(_CLOCKS)
    count = rng.randint(2, 5)
    npu = uunifast(rng, count, rng.uniform(0.05, 0.5))
    cpu = uunifast(rng, count, rng.uniform(0.05, 0.5))
    tasks = []
    for index in range(count):
        period = int(10 ** rng.uniform(1, 3.5) * 1000) * 1000
        job = _Job(rng, int(npu[index] * period), int(cpu[index] * period), cpu_hz)
        tasks.append(job.task(f"t{index}", period))
    costs = KernelCosts.of(boards.load("corstone300"), cpu_hz)
    drawn = TaskSet(tuple(tasks), policy, **costs.by_name)
    return with_priorities(drawn, deadline_monotonic(drawn))


@dataclass(frozen=True)
class _Job:
    rng: random.Random
    npu_ns: int
    cpu_ns: int
    cpu_hz: int

    def task(self, name: str, period_ns: int) -> TaskModel:
        """On both units, on one, or with a body that computes after its inference."""
        rng = self.rng
        kind = rng.choice(("both", "both", "both", "npu", "cpu", "body"))
        segments = () if kind == "cpu" else self._segments()
        runs = () if kind in ("npu", "body") else self._runs(len(segments))
        nominal = rng.random() < 0.5
        return TaskModel(
            name,
            period_ns,
            period_ns,
            segments,
            cpu_ns=min(self.cpu_ns, period_ns // 50) if kind == "body" else 0,
            cpu_runs=runs,
            least_ns=tuple(rng.randint(e // 2, e) for e in segments) if nominal else (),
        )

    def _segments(self) -> tuple[int, ...]:
        return divided(self.rng, self.npu_ns, self.rng.choice((1, 2, 5, 20, 60)), _SHORTEST_NS)

    def _runs(self, segments: int) -> tuple[CpuRun, ...]:
        places = range(segments + 1)
        chosen = sorted(self.rng.sample(places, min(len(places), self.rng.choice((1, 1, 2, 3, 6)))))
        lengths = divided(self.rng, self.cpu_ns, len(chosen), _SHORTEST_NS)
        return tuple(CpuRun(b, self._steps(ns)) for b, ns in zip(chosen, lengths, strict=False))

    def _steps(self, total_ns: int) -> tuple[tuple[int, int], ...]:
        """Operators, each in steps of one length; one in ten is of those that are not divided."""
        steps: list[tuple[int, int]] = []
        for ns in divided(self.rng, total_ns, self.rng.randint(1, 3), _SHORTEST_NS):
            most = STEP_CYCLES * (10 if self.rng.random() < 0.1 else 1)
            length = min(cycles_to_ns(self.rng.randint(STEP_CYCLES // 8, most), self.cpu_hz), ns)
            whole, rest = divmod(ns, length)
            steps += [(length, whole), *([(rest, 1)] if rest else [])]
        return tuple(steps)


def divided(rng: random.Random, total: int, count: int, least: int) -> tuple[int, ...]:
    """Up to so many uneven parts, none shorter than a least one."""
    count = max(min(count, total // (2 * least)), 1)
    rest = max(total - count * least, 0)
    marks = sorted(rng.randint(0, rest) for _ in range(count - 1))
    return tuple(b - a + least for a, b in zip([0, *marks], [*marks, rest], strict=True))
