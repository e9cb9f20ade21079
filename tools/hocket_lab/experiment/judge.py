# SPDX-License-Identifier: Apache-2.0
"""One drawn set under every way of running it, and the accepted plans held against runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hocket_tools.plan import CutPlan, plan
from hocket_tools.prove import TaskModel, TaskSet, analyse

from .adversary import patterns
from .draw import Drawn
from .ideal import IdealTask, edf_holds, fixed_priority_holds
from .simulate import simulate

Method = Literal["np_fp", "np_edf", "hocket_fp", "hocket_edf", "ideal_fp", "ideal_edf"]
METHODS: tuple[Method, ...] = (
    "np_fp", "np_edf", "hocket_fp", "hocket_edf", "ideal_fp", "ideal_edf",
)  # fmt: skip

#: Patterns of releases and periods of the slowest task that an accepted plan is simulated for.
_PATTERNS = 12
_PERIODS = 3


@dataclass(frozen=True)
class Costs:
    """What the board takes, in ns."""

    dispatch_ns: int
    resume_ns: int
    release_ns: int = 0
    completion_ns: int = 0


@dataclass(frozen=True)
class Verdict:
    """What was found for one set."""

    accepted: frozenset[Method]
    violations: int
    """Responses above their bound in simulated runs of the accepted plans; must be 0."""
    runs: int
    overhead: float
    """Share of the NPU's time that cuts cost under fixed priorities; 0 if nothing was accepted."""
    blocking_ratio: float | None
    """Blocking of the most urgent task, in segments over whole; None if not accepted."""


def judge(drawn: Sequence[Drawn], costs: Costs) -> Verdict:
    """Analyse one set every way."""
    accepted: set[Method] = set()
    ideal = [IdealTask(d.network.whole_ns, d.period_ns, d.period_ns) for d in drawn]
    if fixed_priority_holds(ideal):
        accepted.add("ideal_fp")
    if edf_holds(ideal):
        accepted.add("ideal_edf")
    whole = _taskset(drawn, costs)
    fp, edf = replace(whole, policy="fp"), replace(whole, policy="edf")
    uncut = analyse(fp)
    if uncut.schedulable:
        accepted.add("np_fp")
    if analyse(edf).schedulable:
        accepted.add("np_edf")
    choices = [d.network.choices for d in drawn]
    violations = runs = 0
    overhead, ratio = 0.0, None
    for taskset, method in ((fp, "hocket_fp"), (edf, "hocket_edf")):
        found = plan(taskset, choices)
        if found.obstacle is not None:
            continue
        accepted.add("hocket_fp" if method == "hocket_fp" else "hocket_edf")
        broken, tried = _confront(found)
        violations += broken
        runs += tried
        if method == "hocket_fp":
            overhead = float(found.overhead)
            before = uncut.tasks[0].blocking_ns
            ratio = found.proof.tasks[0].blocking_ns / before if before else None
    return Verdict(frozenset(accepted), violations, runs, overhead, ratio)


def _taskset(drawn: Sequence[Drawn], costs: Costs) -> TaskSet:
    return TaskSet(
        tuple(
            TaskModel(
                name=f"{index} {d.network.name}",
                period_ns=d.period_ns,
                deadline_ns=d.period_ns,
                segments_ns=(d.network.whole_ns,),
                priority=index,
            )
            for index, d in enumerate(drawn)
        ),
        dispatch_ns=costs.dispatch_ns,
        resume_ns=costs.resume_ns,
        release_ns=costs.release_ns,
        completion_ns=costs.completion_ns,
    )


def _confront(found: CutPlan) -> tuple[int, int]:
    """Responses above their bound, and runs simulated, under adverse release patterns."""
    proof = found.proof
    taskset = proof.taskset
    duration_ns = _PERIODS * max(task.period_ns for task in taskset.tasks)
    broken = tried = 0
    for me in range(len(taskset.tasks)):
        chosen = list(patterns(taskset, me))
        for pattern in chosen[:: max(len(chosen) // _PATTERNS, 1)]:
            run = simulate(pattern, duration_ns)
            tried += 1
            for index, task in enumerate(proof.tasks):
                bound = task.bound_ns
                broken += bound is None or run.worst_ns(index) > bound
    return broken, tried
