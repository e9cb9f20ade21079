# SPDX-License-Identifier: Apache-2.0
"""What would make an application schedulable, with numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from hocket_host.units import format_ns

from ..prove import TaskSet, Work, assign_priorities, deadline_monotonic, with_priorities
from ..prove.taskset import TICK_NS, Policy
from ..prove.work import ANALYSIS
from .applied import Planner
from .plan import CutPlan

SEARCH = 40 * ANALYSIS
"""Steps of all searches for what would help."""

_MEGAHERTZ = 1_000_000
_FASTEST_HZ = 2_000 * _MEGAHERTZ
_LONGEST_PERCENT = 900
_POLICIES: tuple[Policy, ...] = ("fp", "edf")
_OTHERS = 3
"""Tasks whose periods are tried, those first that take the most."""


def advice(planner: Planner, found: CutPlan, work: Work, npu_default: bool) -> Iterator[str]:
    """What would help a plan that failed; each that names a number is enough alone.

    Parameters
    ----------
    planner, found
        The application, and its plan.
    work
        What may be spent.
    npu_default
        Whether nobody has chosen the NPU's clock.
    """
    if found.obstacle is None:
        return
    yield from _work(found)
    hz = least_hz(planner.npu_hz, lambda hz: _holds(planner.plan(npu_hz=hz, work=work)))
    if hz is not None:
        yield f"a faster NPU: {clock_hint('npu', 'clock', hz, planner.npu_hz, npu_default)}"
    yield from _urgency(planner, found, work)
    for policy in _POLICIES:
        other = replace(planner.taskset, policy=policy)
        if policy != planner.taskset.policy and _holds(planner.plan(other, work=work)):
            yield f'policy = "{policy}"'
    yield from _times(planner, found, work)
    if work.exhausted:
        yield "more may help: the search was given up after as many steps as it may take"


def clock_hint(section: str, key: str, hz: int, now_hz: int, default: bool) -> str:
    """A clock that would do, and where the present one comes from."""
    now = f"{now_hz // _MEGAHERTZ} MHz"
    told = f", and the present {now} is only the default" if default else f" instead of {now}"
    return f'{key} = "{hz // _MEGAHERTZ} MHz" in [{section}] would do{told}'


def least_hz(now_hz: int, holds: Callable[[int], bool]) -> int | None:
    """Slowest clock in whole MHz, above one that fails, at which everything holds; or None."""
    mhz = _least(
        now_hz // _MEGAHERTZ, _FASTEST_HZ // _MEGAHERTZ, lambda mhz: holds(mhz * _MEGAHERTZ)
    )
    return None if mhz is None else mhz * _MEGAHERTZ


def _work(found: CutPlan) -> Iterator[str]:
    obstacle = found.obstacle
    assert obstacle is not None
    tasks = found.proof.taskset.tasks
    failing = tasks[obstacle.task].name
    if obstacle.gave_up:
        yield "cuts given by hand: the search for them was given up after very many steps"
    elif obstacle.blocker is not None and obstacle.shortest_ns is not None:
        blocker = tasks[obstacle.blocker].name
        yield (
            f"shorter segments of {blocker}: {failing} can wait for "
            f"{format_ns(obstacle.tolerance_ns or 0)}, and {blocker} has operations of "
            f"{format_ns(obstacle.shortest_ns)} that nothing cuts; optimise and "
            "arena-cache-size change how Vela divides them"
        )
    elif found.proof.taskset.policy in ("fp", "edf"):
        yield (
            f"less work for {failing} or for what precedes it: its deadline would fail even "
            "without blocking by less urgent segments"
        )


def _urgency(planner: Planner, found: CutPlan, work: Work) -> Iterator[str]:
    """Other priorities, or a shorter deadline that makes the task that fails more urgent."""
    given = planner.taskset
    by_deadline = with_priorities(given, deadline_monotonic(given))
    if given.policy == "fp" and by_deadline != given:
        if _holds(planner.plan(by_deadline, work=work)):
            yield "priorities by deadline: leave them out"
            return
    elif given.policy == "fp":
        order = assign_priorities(found.proof.taskset, work)
        if order is not None and _holds(planner.plan(with_priorities(given, order), work=work)):
            listed = zip(given.tasks, order, strict=True)
            yield "priorities: " + ", ".join(f"{place} for {task.name}" for task, place in listed)
            return
    assert found.obstacle is not None
    me = found.obstacle.task
    failing = given.tasks[me]
    shorter = sorted(
        {t.deadline_ns for t in given.tasks if t.deadline_ns <= failing.deadline_ns}, reverse=True
    )
    for deadline_ns in shorter:
        ahead = max(deadline_ns - TICK_NS, TICK_NS)
        tasks = list(given.tasks)
        tasks[me] = replace(failing, deadline_ns=ahead)
        changed = replace(given, tasks=tuple(tasks))
        changed = with_priorities(changed, deadline_monotonic(changed))
        if len(shorter) > 1 and _holds(planner.plan(changed, work=work)):
            yield f"a shorter deadline for {failing.name}, {format_ns(ahead)}: it is more urgent"
            return


def _times(planner: Planner, found: CutPlan, work: Work) -> Iterator[str]:
    """A longer deadline of the task that fails, longer periods of what takes the most."""
    assert found.obstacle is not None
    proved = found.proof.tasks[found.obstacle.task]
    if proved.bound_ns is not None and not proved.overruns:
        yield f"a deadline of {format_ns(proved.bound_ns)} for {proved.task.name}"
    for index in _heaviest(found.proof.taskset)[:_OTHERS]:

        def longer(percent: int, index: int = index) -> bool:
            return _holds(planner.plan(planner.stretched(index, percent), work=work))

        percent = _least(0, _LONGEST_PERCENT, longer)
        if percent is not None:
            task = planner.taskset.tasks[index]
            period = -(-task.period_ns * (100 + percent) // 100)
            yield f"a period of {format_ns(period)} for {task.name}"


def _heaviest(taskset: TaskSet) -> list[int]:
    """Tasks by the share that they take of the unit on which they take more."""
    shares = [
        max(taskset.demand_ns(task), taskset.cpu_demand_ns(task)) * 10**9 // task.period_ns
        for task in taskset.tasks
    ]
    return sorted(range(len(shares)), key=lambda index: -shares[index])


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
