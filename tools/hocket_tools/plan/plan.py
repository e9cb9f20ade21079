# SPDX-License-Identifier: Apache-2.0
"""Chooses cuts so that every deadline is proved, with as little overhead as that takes.

As in Bertogna, Buttazzo, Marinoni, Yao, Esposito and Caccamo (ECRTS 2010) for fixed priorities, and
Bertogna and Baruah (2010) for EDF: the blocking tolerance of each task bounds the segments of the
less urgent ones, and the cheapest placement within that bound is the best for all. Bounds start
from uncut networks and only shrink, so they end at the greatest that any plan could have, and if no
placement keeps within them, none does. A longer last segment can still help its own job, at the
price of more cuts before it; those placements come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..prove import Proof, TaskSet, analyse
from ..prove.dispatches import Dispatches
from ..prove.response import Solver
from ..prove.work import ANALYSIS, Work
from .placement import Choices, Placement

_RESTARTS = 200
SEARCH = 8 * ANALYSIS
"""Steps of a plan."""
_LEAST = (0, 1, 2, 4)
"""Least lengths of segments to try, in resumes: dispatches of shorter ones crowd the CPU."""


@dataclass(frozen=True)
class Obstacle:
    """Why no placement was found."""

    task: int
    """Whose deadline cannot be proved."""
    tolerance_ns: int | None
    """Its blocking tolerance; None if it fails without any blocking."""
    blocker: int | None = None
    """Whose segments cannot be made as short as that."""
    shortest_ns: int | None = None
    """Length down to which that task's segments can be cut."""
    alone: bool = False
    """No cuts will help: it fails with all networks whole and no blocking, or the policy leaves
    networks whole."""
    gave_up: bool = False
    """The search took too many steps."""


@dataclass(frozen=True)
class CutPlan:
    """Cuts of all networks and what is proved with them."""

    placements: tuple[Placement, ...]
    proof: Proof
    obstacle: Obstacle | None = None
    """None if every deadline is proved."""
    uncut_ns: tuple[int, ...] = ()
    """NPU time of each job with its network whole, dispatch included."""

    @property
    def overhead(self) -> Fraction:
        """Share of the NPU's time that the cuts cost."""
        extra = Fraction(0)
        for task, uncut in zip(self.proof.taskset.tasks, self.uncut_ns, strict=True):
            extra += Fraction(self.proof.taskset.demand_ns(task) - uncut, task.period_ns)
        return extra


@dataclass(frozen=True)
class _Attempt:
    """Where one search for placements ended."""

    placements: tuple[Placement, ...]
    options: tuple[int, ...]
    """Number of placements to choose from, by task."""
    obstacle: Obstacle | None = None


def plan(taskset: TaskSet, choices: Sequence[Choices], work: Work | None = None) -> CutPlan:
    """Choose a placement for each task.

    Parameters
    ----------
    taskset
        Tasks with their timing; their segments are replaced.
    choices
        Placements of each task's network.
    work
        What may be spent; enough for any usual application when None.

    Returns
    -------
    CutPlan
        With an obstacle if not every deadline can be proved; its placements are then those at which
        the search ended.
    """
    work = work or Work(SEARCH)
    uncut = [c.within(None)[0] for c in choices]
    whole = tuple(p.cost_ns(taskset.dispatch_ns) for p in uncut)
    if taskset.policy in ("fifo", "rr"):
        return _by_length(taskset, choices, whole, work)
    found: CutPlan | None = None
    for times in _LEAST:
        attempt = _search(taskset, choices, times * taskset.resume_ns, whole, work)
        if attempt.obstacle is None and (
            found is None or found.obstacle is not None or attempt.overhead < found.overhead
        ):
            found = attempt
        found = found or attempt
        if work.exhausted or not any(placement.cuts for placement in found.placements):
            break
    assert found is not None
    return found


def _search(
    taskset: TaskSet,
    choices: Sequence[Choices],
    least_ns: int,
    whole: tuple[int, ...],
    work: Work,
) -> CutPlan:
    """Shrink bounds; where that fails, try longer last segments of the task that fails."""
    ranks = [0] * len(choices)
    first: _Attempt | None = None
    for _ in range(_RESTARTS):
        attempt = _shrink(taskset, choices, ranks, least_ns, work)
        if attempt.obstacle is None:
            first = attempt
            break
        first = first or attempt
        failing = attempt.obstacle.task
        ranks[failing] += 1
        if work.exhausted or ranks[failing] >= attempt.options[failing]:
            break
    assert first is not None
    proof = analyse(_with(taskset, first.placements))
    return CutPlan(first.placements, proof, first.obstacle, whole)


def _with(taskset: TaskSet, placements: Sequence[Placement]) -> TaskSet:
    tasks = zip(taskset.tasks, placements, strict=True)
    return replace(
        taskset,
        tasks=tuple(
            replace(t, segments_ns=p.segments_ns, cpu_runs=p.cpu_runs, least_ns=p.least_ns)
            for t, p in tasks
        ),
    )


def _shrink(
    taskset: TaskSet,
    choices: Sequence[Choices],
    ranks: Sequence[int],
    least_ns: int,
    work: Work,
) -> _Attempt:
    """Shrink the bounds on segments until all deadlines hold with the placements they give."""
    count = len(choices)
    bounds: list[int | None] = [None] * count
    limiter = [0] * count
    options = (1,) * count
    while True:
        found = [c.within(b, least_ns) for c, b in zip(choices, bounds, strict=True)]
        stuck = next((me for me, places in enumerate(found) if not places), None)
        if stuck is not None:
            # The best that can be done, which is not enough.
            best = tuple(
                places[0] if places else c.finest()
                for places, c in zip(found, choices, strict=True)
            )
            obstacle = Obstacle(limiter[stuck], bounds[stuck], stuck, choices[stuck].shortest_ns)
            return _Attempt(best, options, obstacle)
        options = tuple(len(places) for places in found)
        placements = tuple(p[min(r, len(p) - 1)] for p, r in zip(found, ranks, strict=True))
        current = _with(taskset, placements)
        proof = analyse(current, work)
        if proof.schedulable:
            return _Attempt(placements, options)
        failing = next(i for i, t in enumerate(proof.tasks) if not t.holds)
        # Blocking of others matters a little to each task. First with none, so that no bound gets
        # too small, then with what they tolerate.
        for others_blocked in (False, True):
            outcome = _tighten(current, bounds, limiter, others_blocked, work)
            if work.exhausted:
                return _Attempt(placements, options, Obstacle(failing, None, gave_up=True))
            if isinstance(outcome, Obstacle):
                return _Attempt(placements, options, outcome)
            if outcome:
                break
        else:
            # Each holds with the blocking it tolerates, but not all of them together.
            return _Attempt(placements, options, Obstacle(failing, None))


def _tighten(
    current: TaskSet,
    bounds: list[int | None],
    limiter: list[int],
    others_blocked: bool,
    work: Work,
) -> bool | Obstacle:
    """Bound segments by the blocking that the tasks above them tolerate.

    Returns
    -------
    bool or Obstacle
        Whether any bound shrank; a task that fails without any blocking.
    """
    tasks = current.tasks
    everyone = range(len(tasks))
    dispatches = Dispatches(current)
    # blocking[me][other]: the longest segment of the other task that blocks this one, or may.
    present = [t.longest_segment_ns for t in tasks]
    none = [0] * len(tasks)
    blocking = [list(present) if others_blocked else none for _ in everyone]
    shrank = False
    for me in sorted(everyone, key=lambda i: (tasks[i].priority, tasks[i].deadline_ns)):
        own = list(present)
        blocking[me] = own
        if _holds(current, me, blocking, dispatches, work):
            blocking[me] = own if others_blocked else none
            continue
        blocking[me] = none
        if not _holds(current, me, blocking, dispatches, work):
            whole = not others_blocked and all(bound is None for bound in bounds)
            return Obstacle(me, None, alone=whole)
        blocking[me] = own
        for other, tolerance in _tolerances(current, me, blocking, dispatches, work).items():
            own[other] = min(own[other], tolerance)
            bound = bounds[other]
            if tolerance < tasks[other].longest_segment_ns and (bound is None or tolerance < bound):
                bounds[other] = tolerance
                limiter[other] = me
                shrank = True
        if not others_blocked:
            blocking[me] = none
    return shrank


def _holds(
    current: TaskSet,
    me: int,
    blocking: Sequence[Sequence[int]],
    dispatches: Dispatches,
    work: Work,
) -> bool:
    """Whether a task holds if the segments that block it are as long as given."""
    return Solver(current, lambda i, other: blocking[i][other], dispatches, work).holds(me)


def _tolerances(
    current: TaskSet,
    me: int,
    blocking: Sequence[Sequence[int]],
    dispatches: Dispatches,
    work: Work,
) -> dict[int, int]:
    """Blocking tolerance: longest segment of each other task that may block one, up to its own.

    One segment blocks, not several, so the tolerances of one task are independent. Under fixed
    priorities they are the same for all less urgent tasks; under EDF a task whose deadline is only
    a little later blocks fewer jobs.
    """
    count = len(current.tasks)
    others = [i for i in range(count) if i != me]
    groups = [[other] for other in others]
    if current.policy == "fp":
        groups = [[i for i in others if current.tasks[i].priority > current.tasks[me].priority]]
    found: dict[int, int] = {}
    for group in groups:
        longest = max((blocking[me][other] for other in group), default=0)

        def holds(length: int, group: Sequence[int] = group) -> bool:
            tried = list(blocking)
            tried[me] = [length if other in group else 0 for other in range(count)]
            return _holds(current, me, tried, dispatches, work)

        if holds(longest):
            continue
        good, bad = 0, longest
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if holds(middle) else (good, middle)
        found.update(dict.fromkeys(group, good))
    return found


def _by_length(
    taskset: TaskSet, choices: Sequence[Choices], whole: tuple[int, ...], work: Work
) -> CutPlan:
    """Whole networks, or under round robin one length for all, halved until deadlines hold."""
    length: int | None = None
    while True:
        placements = [(c.within(length) or (c.finest(),))[0] for c in choices]
        proof = analyse(_with(taskset, placements), work)
        if proof.schedulable:
            return CutPlan(tuple(placements), proof, None, whole)
        longest = max(p.longest_ns for p in placements)
        shorter = longest // 2 if length is None else length // 2
        if taskset.policy == "fifo" or all(shorter < c.shortest_ns // 2 for c in choices):
            failing = next(i for i, t in enumerate(proof.tasks) if not t.holds)
            return CutPlan(
                tuple(placements),
                proof,
                Obstacle(failing, None, alone=taskset.policy == "fifo"),
                whole,
            )
        length = shorter
