# SPDX-License-Identifier: Apache-2.0
"""What would make an application schedulable, with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from hocket_host.units import format_ns

from ..prove import Proof, deadline_monotonic, with_priorities
from ..prove.taskset import Policy
from .applied import Planner
from .plan import CutPlan

_MEGAHERTZ = 1_000_000
_FASTEST_HZ = 2_000 * _MEGAHERTZ
_LONGEST_PERCENT = 900
_POLICIES: tuple[Policy, ...] = ("fp", "edf")


def diagnosis(proof: Proof) -> Iterator[str]:
    """Which deadlines are not proved, and by how much."""
    for resource, load in (("NPU", proof.npu_utilisation), ("CPU", proof.cpu_utilisation)):
        if load >= 1:
            yield f"the {resource} is asked for {_percent(load)} of its time"
    for found in proof.tasks:
        if found.holds:
            continue
        name, deadline = found.task.name, format_ns(found.task.deadline_ns)
        if found.bound_ns is None:
            yield f"{name}: no bound on its response was found"
        elif found.slack_ns is not None and found.slack_ns < 0:
            over, bound = format_ns(-found.slack_ns), format_ns(found.bound_ns)
            yield f"{name} may take {bound}, {over} beyond its deadline of {deadline}"
        else:
            yield (
                f"{name} may be unfinished at its next release, after "
                f"{format_ns(found.task.period_ns)}: that release would be lost"
            )


def advice(planner: Planner, found: CutPlan) -> Iterator[str]:
    """What would help a plan that failed; each that names a number is enough alone."""
    obstacle = found.obstacle
    if obstacle is None:
        return
    tasks = found.proof.taskset.tasks
    failing = tasks[obstacle.task]
    if obstacle.blocker is not None and obstacle.shortest_ns is not None:
        blocker = tasks[obstacle.blocker].name
        yield (
            f"shorter segments of {blocker}: {failing.name} can wait for "
            f"{format_ns(obstacle.tolerance_ns or 0)}, and {blocker} has operations of "
            f"{format_ns(obstacle.shortest_ns)} that nothing cuts; optimise and "
            "arena-cache-size change how Vela divides them"
        )
    elif found.proof.taskset.policy in ("fp", "edf"):
        yield (
            f"less work for {failing.name} or for what precedes it: its deadline would fail even "
            "without blocking by less urgent segments"
        )
    hz = _least(
        planner.npu_hz // _MEGAHERTZ,
        _FASTEST_HZ // _MEGAHERTZ,
        lambda mhz: _holds(planner.plan(npu_hz=mhz * _MEGAHERTZ)),
    )
    if hz is not None:
        yield f'a faster NPU: clock = "{hz} MHz" would do'
    given = planner.taskset
    by_deadline = with_priorities(given, deadline_monotonic(given))
    if given.policy == "fp" and by_deadline != given and _holds(planner.plan(by_deadline)):
        yield "priorities by deadline: leave them out"
    for policy in _POLICIES:
        if policy != found.proof.taskset.policy and _holds(
            planner.plan(replace(given, policy=policy))
        ):
            yield f'policy = "{policy}"'
    proved = found.proof.tasks[obstacle.task]
    if proved.bound_ns is not None and not proved.overruns:
        yield f"a deadline of {format_ns(proved.bound_ns)} for {failing.name}"
    taskset = found.proof.taskset
    heaviest = max(
        range(len(tasks)),
        key=lambda i: Fraction(
            max(taskset.demand_ns(tasks[i]), taskset.cpu_demand_ns(tasks[i])), tasks[i].period_ns
        ),
    )
    percent = _least(
        0, _LONGEST_PERCENT, lambda p: _holds(planner.plan(planner.stretched(heaviest, p)))
    )
    if percent is not None:
        period = -(-tasks[heaviest].period_ns * (100 + percent) // 100)
        yield f"a period of {format_ns(period)} for {tasks[heaviest].name}"


def _holds(found: CutPlan) -> bool:
    return found.obstacle is None


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int | None:
    """Least number above one that fails which holds, by doubling and bisection; None if none."""
    step = max(low, 1)
    while not holds(low + step):
        low += step
        step *= 2
        if low + step > high:
            return None
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _percent(share: Fraction) -> str:
    return f"{share.numerator * 100 // share.denominator} %"
