# SPDX-License-Identifier: Apache-2.0
"""Chooses cuts so that every deadline is proved, with as little overhead as that takes.

As in Bertogna, Buttazzo, Marinoni, Yao, Esposito and Caccamo (ECRTS 2010) for fixed priorities, and
Bertogna and Baruah (2010) for EDF: how long a segment each task can bear to wait for bounds the
segments of the less urgent ones, and the cheapest placement within that bound is the best for
everybody. Bounds start from uncut networks and only shrink, so what they end at is the greatest
that any plan could have, and if no placement keeps within them, none does. A longer last segment
can still help its own job, at the price of more cuts before it; those placements come last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ..prove import Proof, TaskSet, analyse
from ..prove.dispatches import Dispatches
from ..prove.response import Solver
from .placement import Choices, Placement

_RESTARTS = 200
_LEAST = (0, 1, 2, 4)
"""Least lengths of segments to try, in resumes: shorter ones let dispatches crowd on the CPU."""


@dataclass(frozen=True)
class Obstacle:
    """Why no placement was found."""

    task: int
    """Whose deadline cannot be proved."""
    tolerance_ns: int | None
    """Longest less urgent segment that it could bear; None if it fails without any."""
    blocker: int | None = None
    """Whose segments cannot be made as short as that."""
    shortest_ns: int | None = None
    """Length down to which that task's segments can be cut."""
    alone: bool = False
    """No cuts will help: it fails with all networks whole and nobody's segment in its way, or the
    policy leaves networks whole."""


@dataclass(frozen=True)
class Plan:
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


class _StuckError(Exception):
    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__()
        self.obstacle = obstacle
        self.placements: list[Placement] = []
        self.options: list[int] = []


def plan(taskset: TaskSet, choices: Sequence[Choices]) -> Plan:
    """Choose a placement for each task.

    Parameters
    ----------
    taskset
        Tasks with their timing; their segments are replaced.
    choices
        Placements of each task's network.

    Returns
    -------
    Plan
        With an obstacle if not every deadline can be proved; its placements are then those at which
        the search ended.
    """
    uncut = [c.within(None)[0] for c in choices]
    whole = tuple(p.cost_ns(taskset.dispatch_ns) for p in uncut)
    if taskset.policy in ("fifo", "rr"):
        return _by_length(taskset, choices, whole)
    found: Plan | None = None
    for times in _LEAST:
        attempt = _search(taskset, choices, times * taskset.resume_ns, whole)
        if attempt.obstacle is None and (
            found is None or found.obstacle is not None or attempt.overhead < found.overhead
        ):
            found = attempt
        found = found or attempt
        if not any(placement.cuts for placement in found.placements):
            break
    assert found is not None
    return found


def _search(
    taskset: TaskSet, choices: Sequence[Choices], least_ns: int, whole: tuple[int, ...]
) -> Plan:
    """Shrink bounds; where that leads nowhere, try longer last segments of the task that fails."""
    ranks = [0] * len(choices)
    first: _StuckError | None = None
    for _ in range(_RESTARTS):
        try:
            placements = _shrink(taskset, choices, ranks, least_ns)
        except _StuckError as stuck:
            first = first or stuck
            culprit = stuck.obstacle.task
            ranks[culprit] += 1
            if ranks[culprit] >= stuck.options[culprit]:
                break
        else:
            return Plan(tuple(placements), analyse(_with(taskset, placements)), None, whole)
    assert first is not None
    proof = analyse(_with(taskset, first.placements))
    return Plan(tuple(first.placements), proof, first.obstacle, whole)


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
    taskset: TaskSet, choices: Sequence[Choices], ranks: Sequence[int], least_ns: int
) -> list[Placement]:
    """Shrink the bounds on segments until all deadlines hold with the placements they give."""
    count = len(choices)
    bounds: list[int | None] = [None] * count
    limiter = [0] * count
    placements: list[Placement] = []
    options = [1] * count
    try:
        while True:
            found = [c.within(b, least_ns) for c, b in zip(choices, bounds, strict=True)]
            for me, places in enumerate(found):
                if not places:
                    shortest = choices[me].shortest_ns
                    raise _StuckError(Obstacle(limiter[me], bounds[me], me, shortest))
            options = [len(places) for places in found]
            placements = [p[min(r, len(p) - 1)] for p, r in zip(found, ranks, strict=True)]
            current = _with(taskset, placements)
            proof = analyse(current)
            if proof.schedulable:
                return placements
            # What others bear matters a little to each task. First as if they bore nothing, so
            # that no bound gets too small, then as they do.
            if not any(_tighten(current, bounds, limiter, easy) for easy in (True, False)):
                # Each holds with what it has to bear, but not all of them together.
                failing = next(i for i, t in enumerate(proof.tasks) if not t.holds)
                raise _StuckError(Obstacle(failing, None))
    except _StuckError as stuck:
        stuck.placements = placements
        stuck.options = options
        if stuck.obstacle.blocker is not None:
            # The best that can be done, which is not enough.
            within = [c.within(b, least_ns) for c, b in zip(choices, bounds, strict=True)]
            stuck.placements = [
                places[0] if places else c.finest()
                for places, c in zip(within, choices, strict=True)
            ]
        raise


def _tighten(
    current: TaskSet,
    bounds: list[int | None],
    limiter: list[int],
    others_bear_nothing: bool,
) -> bool:
    """Bound segments by what the tasks above them can bear; whether any bound shrank."""
    tasks = current.tasks
    everyone = range(len(tasks))
    dispatches = Dispatches(current)
    # borne[me][other]: the segment of the other task that this one has to bear, or still can.
    present = [t.longest_segment_ns for t in tasks]
    nothing = [0] * len(tasks)
    borne = [nothing if others_bear_nothing else list(present) for _ in everyone]
    shrank = False
    for me in sorted(everyone, key=lambda i: (tasks[i].priority, tasks[i].deadline_ns)):
        own = list(present)
        borne[me] = own
        if not _holds(current, me, borne, dispatches):
            borne[me] = nothing
            if not _holds(current, me, borne, dispatches):
                whole = others_bear_nothing and all(bound is None for bound in bounds)
                raise _StuckError(Obstacle(me, None, alone=whole))
            borne[me] = own
        else:
            borne[me] = nothing if others_bear_nothing else own
            continue
        for other, tolerance in _tolerances(current, me, borne, dispatches).items():
            own[other] = min(own[other], tolerance)
            bound = bounds[other]
            if tolerance < tasks[other].longest_segment_ns and (bound is None or tolerance < bound):
                bounds[other] = tolerance
                limiter[other] = me
                shrank = True
        if others_bear_nothing:
            borne[me] = nothing
    return shrank


def _holds(
    current: TaskSet, me: int, borne: Sequence[Sequence[int]], dispatches: Dispatches
) -> bool:
    """Whether a task holds if segments that block are as long as given."""
    return Solver(current, lambda i, other: borne[i][other], dispatches).holds(me)


def _tolerances(
    current: TaskSet, me: int, borne: Sequence[Sequence[int]], dispatches: Dispatches
) -> dict[int, int]:
    """Longest segment of each other task, up to its present one, for which a task can wait.

    One segment blocks, not several, so that what one task may do does not depend on the others.
    Under fixed priorities it is the same for all less urgent tasks; under EDF a task whose deadline
    is only a little later blocks fewer jobs.
    """
    count = len(current.tasks)
    rivals = [i for i in range(count) if i != me]
    groups = [[other] for other in rivals]
    if current.policy == "fp":
        groups = [[i for i in rivals if current.tasks[i].priority > current.tasks[me].priority]]
    found: dict[int, int] = {}
    for group in groups:
        longest = max((borne[me][other] for other in group), default=0)

        def holds(length: int, group: Sequence[int] = group) -> bool:
            tried = list(borne)
            tried[me] = [length if other in group else 0 for other in range(count)]
            return _holds(current, me, tried, dispatches)

        if holds(longest):
            continue
        good, bad = 0, longest
        while bad - good > 1:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if holds(middle) else (good, middle)
        found.update(dict.fromkeys(group, good))
    return found


def _by_length(taskset: TaskSet, choices: Sequence[Choices], whole: tuple[int, ...]) -> Plan:
    """Whole networks, or under round robin one length for all, halved until deadlines hold."""
    length: int | None = None
    while True:
        placements = [(c.within(length) or (c.finest(),))[0] for c in choices]
        proof = analyse(_with(taskset, placements))
        if proof.schedulable:
            return Plan(tuple(placements), proof, None, whole)
        longest = max(p.longest_ns for p in placements)
        shorter = longest // 2 if length is None else length // 2
        if taskset.policy == "fifo" or all(shorter < c.shortest_ns // 2 for c in choices):
            failing = next(i for i, t in enumerate(proof.tasks) if not t.holds)
            return Plan(
                tuple(placements),
                proof,
                Obstacle(failing, None, alone=taskset.policy == "fifo"),
                whole,
            )
        length = shorter
