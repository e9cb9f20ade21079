# SPDX-License-Identifier: Apache-2.0
"""Bounds on response times, stage by stage until nothing changes any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .cpu import cpu_blocking_ns, cpu_delay_ns
from .dispatches import Dispatches
from .edf import DeadlineBusyPeriods
from .npu import fixed_priority_ns, may_block, round_robin_ns, run_to_completion_ns
from .proof import Proof, TaskProof
from .stages import INFINITE, Stage, fixed_point, floor_of_fixed_point
from .taskset import TaskSet

_HORIZON = 64
"""Deadlines, or periods if longer, after which a bound is no longer looked for."""
_ROUNDS = 200
_BACKLOG = 8


def analyse(taskset: TaskSet) -> Proof:
    """Bound every response time of a task set.

    The bounds hold for any release offsets, and as long as the bodies of tasks only compute their
    declared time and infer: neither locks nor events nor spawned tasks are known here.

    Returns
    -------
    Proof
        A bound of None means that none was found: the load is too high.
    """
    solver = Solver(taskset)
    solver.solve()
    return Proof(
        taskset=taskset, tasks=tuple(solver.proof(index) for index in range(len(taskset.tasks)))
    )


class Solver:
    """The stages of all tasks, iterated to their least fixed point.

    Parameters
    ----------
    taskset
        What is asked about.
    longest_ns
        Longest segment with which another task, the second argument, may block one, the first;
        None to take those that the set contains.
    dispatches
        Bound on stolen CPU time; that of the set when None.
    """

    def __init__(
        self,
        taskset: TaskSet,
        longest_ns: Callable[[int, int], int] | None = None,
        dispatches: Dispatches | None = None,
    ) -> None:
        self.taskset = taskset
        self.stages = [Stage.of(taskset, task) for task in taskset.tasks]
        longest = [max(task.segments_ns) for task in taskset.tasks]
        self._longest_ns = longest_ns or (lambda me, other: longest[other])
        self._dispatches = dispatches or Dispatches(taskset)
        self._horizons = [_HORIZON * max(t.deadline_ns, t.period_ns) for t in taskset.tasks]

    def solve(self, me: int | None = None) -> None:
        """Find all bounds, or that of one task and whatever it depends on."""
        # Most urgent first, so that under fixed priorities one round and a look suffice.
        tasks = self.taskset.tasks
        order = sorted(range(len(tasks)), key=lambda index: tasks[index].priority)
        if me is not None and self.taskset.policy == "fp":
            order = [i for i in order if tasks[i].priority <= tasks[me].priority]
        for _ in range(_ROUNDS):
            if not self._round(order):
                break
        else:
            for stage in self.stages:
                stage.give_up()
        if any(s.task.overrun == "abort" and self.overruns(i) for i, s in enumerate(self.stages)):
            # An aborted job leaves a segment behind that its successor has to wait for.
            for stage in self.stages:
                stage.give_up()

    def overruns(self, me: int) -> bool:
        """Whether a job may be unfinished at the next release of its task."""
        stage = self.stages[me]
        return stage.backlogged or stage.finish_ns > stage.task.period_ns

    def _round(self, order: Sequence[int]) -> bool:
        changed = False
        edf = None
        if self.taskset.policy == "edf":
            edf = DeadlineBusyPeriods(self.taskset, self.stages, self._longest_ns)
        for me in order:
            stage = self.stages[me]
            before = (stage.submit_ns, stage.npu_done_ns, stage.finish_ns, stage.late)
            self._advance(me, edf)
            changed |= before != (
                stage.submit_ns, stage.npu_done_ns, stage.finish_ns, stage.late
            )  # fmt: skip
        return changed

    def _advance(self, me: int, edf: DeadlineBusyPeriods | None) -> None:
        stage = self.stages[me]
        horizon = self._horizons[me]
        if stage.unbounded():
            return
        resumed = cpu_delay_ns(self.stages, me, stage.resume_ns, self._dispatches, horizon)
        submit = stage.release_jitter_ns + resumed
        if edf is not None:
            # The busy periods are those of all tasks, however short this one's deadline.
            done = edf.done_ns(me, max(self._horizons))
        else:
            done = self._npu_done_ns(me, submit, horizon)
        delay = cpu_delay_ns(self.stages, me, stage.last_piece_ns, self._dispatches, horizon)
        finish = done + delay
        if max(submit, done, finish) >= INFINITE:
            stage.give_up()
            return
        if finish > stage.task.period_ns and stage.task.overrun != "queue" and not stage.late:
            stage.late = True
            last = stage.last_piece_ns
            stage.release_jitter_ns += fixed_point(
                lambda window: last + self._dispatches.stolen_ns(window), horizon
            )
        if stage.backlogged or (finish > stage.task.period_ns and stage.task.overrun == "queue"):
            finish = self._backlogged(me, horizon)
            if finish >= INFINITE:
                stage.give_up()
                return
            stage.backlogged = True
            done = finish - stage.last_piece_ns
        stage.submit_ns = max(stage.submit_ns, submit)
        stage.npu_done_ns = max(stage.npu_done_ns, done)
        stage.finish_ns = max(stage.finish_ns, finish)

    def blocking_ns(self, me: int) -> int:
        """Longest segment of another task that delays a job though it is less urgent."""
        others = range(len(self.taskset.tasks))
        return max(
            (self._longest_ns(me, o) for o in others if may_block(self.taskset, o, me)), default=0
        )

    def _npu_done_ns(self, me: int, submit_ns: int, horizon: int) -> int:
        policy = self.taskset.policy
        if policy == "fifo":
            return submit_ns + run_to_completion_ns(self.stages)
        if policy == "rr":
            return submit_ns + round_robin_ns(self.taskset, self.stages, me, horizon)
        self.stages[me].submit_ns = max(self.stages[me].submit_ns, submit_ns)
        return fixed_priority_ns(self.taskset, self.stages, me, self.blocking_ns(me), horizon)

    def _backlogged(self, me: int, horizon: int) -> int:
        """Latest completion of a job whose predecessors may be unfinished at its release.

        Jobs that follow one another without a pause alternate between both resources; each may be
        blocked once at the NPU and once in each CPU stage, and all other work counts in full on
        either, jobs released before the window included.
        """
        own = self.stages[me]
        others = [s for index, s in enumerate(self.stages) if index != me]
        if any(s.unbounded() for s in others):
            return INFINITE
        everyone = self.taskset.policy != "fp"
        pool = [s for s in others if everyone or s.task.priority <= own.task.priority]
        job = own.resume_ns + own.demand_ns + own.last_piece_ns
        job += 2 * cpu_blocking_ns(self.stages, me)
        job += 0 if everyone else self.blocking_ns(me)
        load = [
            (s.finish_ns, s.task.period_ns, s.demand_ns + s.resume_ns + s.last_piece_ns)
            for s in pool
        ]
        worst = 0
        count = 0
        window = 0
        while True:
            count += 1
            constant = count * job
            window = max(
                window, constant, floor_of_fixed_point(constant, [(c, p) for _, p, c in load])
            )
            while True:
                if window > horizon:
                    return INFINITE
                # Dispatches of all tasks may hold the CPU in any CPU stage; those of the pool are
                # already part of its demand, and counting them twice is sound.
                longer = constant + self._dispatches.stolen_ns(window)
                longer += sum(-(-(window + j) // p) * c for j, p, c in load)
                if longer <= window:
                    break
                window = longer
            jitter = own.release_jitter_ns
            worst = max(worst, jitter + window - (count - 1) * own.task.period_ns)
            if jitter + window <= count * own.task.period_ns:
                break
        if worst > (_BACKLOG + 1) * own.task.period_ns:
            return INFINITE
        return worst

    def proof(self, me: int) -> TaskProof:
        """What was found about a task."""
        stage = self.stages[me]
        task = stage.task
        bound = None if stage.unbounded() else stage.finish_ns - task.early_ns
        overruns = task.overrun != "queue" and self.overruns(me)
        blocking = self.blocking_ns(me)
        if self.taskset.policy in ("fifo", "rr"):
            blocking = sum(s.demand_ns for s in self.stages if s.task.priority > task.priority)
        cpu_blocking = 2 * cpu_blocking_ns(self.stages, me)
        own = self.taskset.release_ns + stage.resume_ns + stage.demand_ns + stage.last_piece_ns
        return TaskProof(
            task=task,
            own_ns=own,
            blocking_ns=blocking,
            cpu_blocking_ns=cpu_blocking,
            bound_ns=bound,
            overruns=overruns,
        )
