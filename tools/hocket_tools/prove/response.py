# SPDX-License-Identifier: Apache-2.0
"""Bounds on response times, link by link until nothing changes.

The end of a link is bounded from its own arrival, on the NPU by a busy period where that applies,
and from the job's release, over all links so far; the lesser holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from .dispatches import Dispatches
from .edf import DeadlineBusyPeriods
from .npu import Longest, blocking_ns, fixed_priority_ns, npu_delays
from .parts import bound_parts
from .proof import Proof, TaskProof
from .span import Delays, cpu_delays, newcomer_delays, span_ns
from .stages import BACKLOG, INFINITE, Stages
from .taskset import TaskSet
from .window import BusyWindow
from .work import Work

_HORIZON = 64
"""Deadlines, or periods if longer, after which a bound is no longer looked for."""
_ROUNDS = 200
_REFINED = 4
_JOBS = 64
"""That follow one another without a pause, after which no bound is looked for."""


def analyse(taskset: TaskSet, work: Work | None = None) -> Proof:
    """Bound every response time of a task set.

    The bounds hold for any release offsets, and as long as the bodies of tasks only compute their
    declared time and infer: neither locks nor events nor spawned tasks are known here.

    Parameters
    ----------
    taskset
        What to bound.
    work
        What may be spent; what an analysis may when None.

    Returns
    -------
    Proof
        A bound of None means that none was found: the load is too high, or there is more to look
        at than the work allows.
    """
    work = work or Work()
    solver = Solver(taskset, work=work)
    solver.solve()
    solver.refine()
    return Proof(
        taskset=taskset,
        tasks=tuple(solver.proof(index) for index in range(len(taskset.tasks))),
        gave_up=work.exhausted,
    )


class Solver:
    """The stages of all tasks, iterated to their least fixed point.

    Parameters
    ----------
    taskset
        The set to bound.
    longest_ns
        Longest segment with which another task, the second argument, may block one, the first;
        None to take those that the set contains.
    dispatches
        Bound on stolen CPU time; that of the set when None.
    work
        What may be spent; what an analysis may when None.
    """

    def __init__(
        self,
        taskset: TaskSet,
        longest_ns: Longest | None = None,
        dispatches: Dispatches | None = None,
        work: Work | None = None,
    ) -> None:
        self.taskset = taskset
        self._work = work or Work()
        longest = [task.longest_segment_ns for task in taskset.tasks]
        self._longest_ns = longest_ns or (lambda me, other: longest[other])
        self._dispatches = dispatches or Dispatches(taskset)
        self.stages = [
            Stages.of(taskset, task, handled)
            for task, handled in zip(taskset.tasks, self._dispatches.handled_ns, strict=True)
        ]
        self._horizons = [_HORIZON * max(t.deadline_ns, t.period_ns) for t in taskset.tasks]
        self._limits = list(self._horizons)

    def holds(self, me: int) -> bool:
        """Whether a task holds: at a first look, or with what bounds of all tasks add to it."""
        first = Solver(self.taskset, self._longest_ns, self._dispatches, self._work)
        first._limits[me] = self._due_ns(me)
        first.solve(me)
        if first._is_met(me):
            return True
        self.solve()
        self.refine()
        return self._is_met(me)

    def _is_met(self, me: int) -> bool:
        lost = self.overruns(me) and self.stages[me].task.overrun != "queue"
        return self.stages[me].finish_ns <= self._due_ns(me) and not lost

    def _due_ns(self, me: int) -> int:
        task = self.taskset.tasks[me]
        return task.early_ns + task.deadline_ns

    def solve(self, me: int | None = None) -> None:
        """Find all bounds, or that of one task and whatever it depends on."""
        # Most urgent first, so that under fixed priorities one round and a check suffice.
        tasks = self.taskset.tasks
        order = sorted(range(len(tasks)), key=lambda index: tasks[index].priority)
        if me is not None and self.taskset.policy == "fp":
            order = [i for i in order if tasks[i].priority <= tasks[me].priority]
        for _ in range(_ROUNDS):
            if not self._round(order):
                break
            # Bounds only grow.
            if me is not None and self.stages[me].finish_ns > self._due_ns(me):
                return
        else:
            for stage in self.stages:
                stage.give_up()
        if any(s.task.overrun == "abort" and self.overruns(i) for i, s in enumerate(self.stages)):
            # An aborted job leaves a segment behind that its successor has to wait for.
            for stage in self.stages:
                stage.give_up()

    def refine(self) -> None:
        """Bound everything again from the bounds that are proved; once more as long as it helps."""
        for stages in self.stages:
            stages.proved = True
        for _ in range(_REFINED):
            before = [list(stages.done_ns) for stages in self.stages]
            edf = None
            if self.taskset.policy == "edf":
                edf = DeadlineBusyPeriods(self.taskset, self.stages, self._longest_ns, self._work)
            for me, stages in enumerate(self.stages):
                if not stages.unbounded():
                    known = list(stages.done_ns)
                    self._bound(me, edf)
                    stages.done_ns = [min(p) for p in zip(known, stages.done_ns, strict=True)]
            if before == [stages.done_ns for stages in self.stages]:
                break

    def overruns(self, me: int) -> bool:
        """Whether a job may be unfinished at the next release of its task."""
        stage = self.stages[me]
        return stage.backlogged or stage.finish_ns > stage.task.period_ns

    def _round(self, order: Sequence[int]) -> bool:
        changed = False
        edf = None
        if self.taskset.policy == "edf":
            edf = DeadlineBusyPeriods(self.taskset, self.stages, self._longest_ns, self._work)
        for me in order:
            stages = self.stages[me]
            before = (list(stages.done_ns), stages.late)
            self._advance(me, edf)
            changed |= before != (stages.done_ns, stages.late)
        return changed

    def _advance(self, me: int, edf: DeadlineBusyPeriods | None) -> None:
        stages = self.stages[me]
        horizon = self._horizons[me]
        if stages.unbounded():
            return
        known = list(stages.done_ns)
        finish = self._bound(me, edf)
        overrun = finish > stages.task.period_ns
        if overrun and stages.task.overrun == "queue" and not stages.backlogged:
            stages.backlogged = True
            finish = self._bound(me, edf)
        elif overrun and not stages.late and finish < INFINITE:
            stages.late = True
            last = stages.last_cpu_step_ns
            stages.release_jitter_ns += self._work.fixed_point(
                lambda window: last + self._dispatches.stolen_ns(window), horizon
            )
        if finish >= INFINITE:
            stages.give_up()
            return
        stages.done_ns = [max(pair) for pair in zip(known, stages.done_ns, strict=True)]

    def _bound(self, me: int, edf: DeadlineBusyPeriods | None) -> int:
        """Set the latest end of each link, and return the last."""
        stages = self.stages[me]
        if stages.backlogged:
            ends = [INFINITE] * (len(stages.links) - 1)
            stages.done_ns = stages.latest_ns([*ends, self._backlogged(me, self._horizons[me])])
        else:
            self._link_by_link(me, edf)
        return stages.finish_ns

    def _link_by_link(self, me: int, edf: DeadlineBusyPeriods | None) -> None:
        """Set the latest end of each link from what is known of the other tasks."""
        stages = self.stages[me]
        cpu = cpu_delays(self.stages, me)
        once = len(stages.npu_places) == 1
        for place, link in enumerate(stages.links):
            if stages.coarse and place < len(stages.links) - 1:
                stages.spans_ns[place] = INFINITE
                continue
            if link.npu and once and self.taskset.policy in ("fp", "edf"):
                stages.spans_ns[place] = INFINITE  # a busy period will tell
                continue
            end = stages.arrival_ns(0) + self._span_ns(me, (0, place), cpu)
            stages.spans_ns[place] = min(end, INFINITE)
        stages.done_ns = stages.latest_ns(stages.spans_ns)
        for place, link in enumerate(stages.links):
            if stages.coarse:
                break
            if link.npu and once and self.taskset.policy == "fp":
                blocking = blocking_ns(self.taskset, me, self._longest_ns)
                done = fixed_priority_ns(
                    self.taskset, self.stages, me, blocking, self._horizons[me], self._work
                )
            elif link.npu and once and edf is not None:
                # The busy periods are those of all tasks, however short this one's deadline.
                done = edf.done_ns(me, max(self._horizons))
            elif place:
                span = self._span_ns(me, (place, place), cpu)
                if not link.npu:
                    span = min(span, self._after_npu_ns(me, place))
                done = stages.arrival_ns(place) + span
            else:
                continue
            stages.done_ns[place] = min(done, stages.done_ns[place])
        clip = [self._longest_ns(me, o) if o != me else 0 for o in range(len(self.stages))]
        window = BusyWindow(self.taskset, self.stages, me, self._dispatches, clip, self._work)
        ends = stages.latest_ns(window.done_ns(self._horizons[me]))
        stages.done_ns = [min(pair) for pair in zip(stages.done_ns, ends, strict=True)]

    def _after_npu_ns(self, me: int, place: int) -> int:
        """Time on the CPU after the NPU if no other job comes from there; no bound if one can."""
        own = self.stages[me].links
        idle = own[place - 1].fast_last_ns
        there = newcomer_delays(self.taskset, self.stages, me, idle, self._dispatches, self._work)
        if there is None:
            return INFINITE
        span = self._span_ns(me, (place, place), there)
        # A job still to come from the NPU has a last segment to run before.
        segments = (
            s.links[p].fast_last_ns
            for index, s in enumerate(self.stages)
            if index != me
            for p in s.npu_places
        )
        soonest = min(segments, default=INFINITE)
        return span if span - own[place].last_ns <= soonest else INFINITE

    def _span_ns(self, me: int, place: tuple[int, int], cpu: Delays, jobs: int = 1) -> int:
        return span_ns(
            self.stages[me],
            place,
            cpu,
            npu_delays(self.taskset, self.stages, me, place, self._longest_ns, jobs),
            self._dispatches,
            self._work,
            (self._limits if jobs == 1 else self._horizons)[me],
            jobs,
        )

    def _backlogged(self, me: int, horizon: int) -> int:
        """Latest completion of a job whose predecessors may be unfinished at its release.

        Jobs that follow one another without a pause are analysed as one long job, as many of them
        as it takes until one is over before the next release.
        """
        own = self.stages[me]
        period = own.task.period_ns
        whole = (0, len(own.links) - 1)
        cpu = cpu_delays(self.stages, me)
        jitter = own.release_jitter_ns
        worst = 0
        jobs = 0
        while True:
            jobs += 1
            window = self._span_ns(me, whole, cpu, jobs)
            worst = max(worst, jitter + window - (jobs - 1) * period)
            if jitter + window > horizon or worst > (BACKLOG + 1) * period or jobs > _JOBS:
                return INFINITE
            if jitter + window <= jobs * period:
                return worst

    def proof(self, me: int) -> TaskProof:
        """What was found about a task."""
        stages = self.stages[me]
        task = stages.task
        bound = None if stages.unbounded() else stages.finish_ns - task.early_ns
        parts = bound_parts(
            self.taskset,
            stages,
            cpu_delays(self.stages, me),
            npu_delays(self.taskset, self.stages, me, (0, len(stages.links) - 1), self._longest_ns),
            self._dispatches,
            task.deadline_ns if bound is None else bound,
            bounded=bound is not None,
        )
        return TaskProof(
            task=task,
            parts=parts,
            bound_ns=bound,
            overruns=task.overrun != "queue" and self.overruns(me),
        )
