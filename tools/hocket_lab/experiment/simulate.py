# SPDX-License-Identifier: Apache-2.0
"""The execution model that the bounds are about, as an exact discrete-event simulation.

It does what firmware and emulated board do, in the same order at the same instants, without
executing anything: thousands of task sets a minute. A test holds it against the emulation.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hocket_tools.prove.taskset import TICK_NS, AnalysisError, TaskModel, TaskSet

_BACKLOG = 8
_NEVER = 1 << 62


@dataclass(frozen=True)
class SimulatedJob:
    """One job that was started."""

    release_ns: int
    """Nominal."""
    end_ns: int | None
    """Completion; None when the simulation ended first."""

    @property
    def response_ns(self) -> int | None:
        """From the nominal release to completion."""
        return None if self.end_ns is None else self.end_ns - self.release_ns


@dataclass(frozen=True)
class SimulatedSlice:
    """One segment on the NPU."""

    task: int
    segment: int
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class SimulatedRun:
    """Result of a simulation; everything in the order of the set's tasks."""

    jobs: tuple[tuple[SimulatedJob, ...], ...]
    skipped: tuple[int, ...]
    slices: tuple[SimulatedSlice, ...]
    arrivals: tuple[tuple[int, ...], ...]
    """Instants at which jobs came to a unit: once a link of their chains."""
    steps: tuple[tuple[tuple[int, int], ...], ...]
    """Begin and end of each CPU step."""

    def worst_ns(self, task: int) -> int:
        """Longest response that was seen; 0 without a completed job."""
        return max((j.response_ns for j in self.jobs[task] if j.response_ns is not None), default=0)


def simulate(
    taskset: TaskSet,
    duration_ns: int,
    *,
    releases: Mapping[str, Sequence[int]] | None = None,
    begin_ns: int = 0,
    length: Callable[[int, int], int] | None = None,
    until: int | None = None,
) -> SimulatedRun:
    """Run a task set for a while.

    Parameters
    ----------
    taskset
        Tasks, policy and costs.
    duration_ns
        How long; rounded up to whole ticks.
    releases
        Nominal release instants by task, ascending, for tasks that are not to be periodic. Jitter
        is the caller's: it is contained in the instants.
    begin_ns
        When the kernel's loop begins; releases count from the tick before it.
    length
        Chooses the length of each execution between the two that it is given; the longest without.
    until
        A task with whose first completion the run ends.

    Raises
    ------
    AnalysisError
        A task whose overrun policy is abort.
    """
    aborting = [task.name for task in taskset.tasks if task.overrun == "abort"]
    if aborting:
        raise AnalysisError(
            "aborted jobs are not simulated",
            where=f"task {aborting[0]}",
            found='overrun = "abort"',
            expected="skip or queue",
            try_="hocket run, which executes the firmware",
        )
    machine = _Machine(taskset, releases or {}, begin_ns, length or max)
    machine.run(-(-duration_ns // TICK_NS), until)
    return machine.result()


def cpu_steps_ns(task: TaskModel, before: int) -> Iterator[int]:
    """Length of each CPU step before a segment, without its resume; one of 0 if there are none.

    The end of the list of segments stands for what follows the last.
    """
    run = next((r for r in task.cpu_runs if r.before == before), None)
    for length, times in ((0, 1),) if run is None else run.steps:
        for _ in range(times):
            yield length


def _cpu_steps(task: TaskModel) -> dict[int, tuple[int, ...]]:
    """CPU steps by the number of segments before them, where there are any."""
    places = {0, *(run.before for run in task.cpu_runs), len(task.segments_ns)}
    return {place: tuple(cpu_steps_ns(task, place)) for place in places}


class _Machine:
    def __init__(
        self,
        taskset: TaskSet,
        releases: Mapping[str, Sequence[int]],
        begin_ns: int,
        length: Callable[[int, int], int],
    ) -> None:
        tasks = taskset.tasks
        count = len(tasks)
        self._tasks = tasks
        self._policy = taskset.policy
        self._dispatch = taskset.dispatch_ns
        self._resume = taskset.resume_ns
        self._release_ns = taskset.release_ns
        self._completion = taskset.completion_ns
        self._now = begin_ns
        self._sequence = 0
        self._given = [releases.get(task.name) for task in tasks]
        self._ordinal = [0] * count
        self._timers: list[tuple[int, int]] = []
        self._ready: list[tuple[int, int, int]] = []
        self._backlog: list[deque[tuple[int, int]]] = [deque() for _ in tasks]
        self._active: list[tuple[int, int] | None] = [None] * count
        self._length = length
        # CPU steps before each segment, and after the last; where a job is in them.
        self._cpu_steps = [_cpu_steps(task) for task in tasks]
        self._cpu_step_at = [0] * count
        # NPU: rank of each request, the segment it is at, who runs and until when.
        self._requests: dict[int, tuple[int, int, int]] = {}
        self._segment = [0] * count
        self._current: int | None = None
        self._until = _NEVER
        self._done: list[int] = []
        self.jobs: list[list[SimulatedJob]] = [[] for _ in tasks]
        self.skipped = [0] * count
        self.slices: list[SimulatedSlice] = []
        self.arrivals: list[list[int]] = [[] for _ in tasks]
        self.steps: list[list[tuple[int, int]]] = [[] for _ in tasks]
        for task in range(count):
            self._arm(task)

    def run(self, end_tick: int, until: int | None) -> None:
        """Turns of the kernel's loop until a tick, or until a task's first job is done."""
        while True:
            tick = self._now // TICK_NS
            if tick >= end_tick or (until is not None and self.jobs[until]):
                return
            if self._timers and self._timers[0][0] <= tick:
                self._release(heapq.heappop(self._timers)[1])
                continue
            for task in sorted(self._done):
                self._make_ready(task)
            self._done.clear()
            if self._ready:
                self._cpu_step(heapq.heappop(self._ready)[2])
                continue
            timer = self._timers[0][0] if self._timers else end_tick
            wake = max(min(timer, end_tick) * TICK_NS, self._now)
            if self._until <= wake:
                self._now = self._until
                self._now += self._interrupt()
            else:
                self._now = wake

    def result(self) -> SimulatedRun:
        """What was seen, jobs under way included."""
        for task, active in enumerate(self._active):
            if active is not None:
                self.jobs[task].append(SimulatedJob(active[0], None))
        return SimulatedRun(
            tuple(map(tuple, self.jobs)),
            tuple(self.skipped),
            tuple(self.slices),
            tuple(map(tuple, self.arrivals)),
            tuple(map(tuple, self.steps)),
        )

    # CPU -----------------------------------------------------------------------------------------

    def _arm(self, task: int) -> None:
        nominal = self._nominal(task)
        if nominal is None:
            return
        heapq.heappush(self._timers, (nominal // TICK_NS, task))

    def _nominal(self, task: int) -> int | None:
        given = self._given[task]
        ordinal = self._ordinal[task]
        if given is None:
            return self._tasks[task].offset_ns + ordinal * self._tasks[task].period_ns
        return given[ordinal] if ordinal < len(given) else None

    def _release(self, task: int) -> None:
        nominal = self._nominal(task)
        assert nominal is not None
        self._compute(self._release_ns)
        self._ordinal[task] += 1
        self._arm(task)
        job = (nominal, nominal // TICK_NS)
        if self._active[task] is None:
            self._begin(task, job)
        elif self._tasks[task].overrun == "queue" and len(self._backlog[task]) < _BACKLOG:
            self._backlog[task].append(job)
        else:
            self.skipped[task] += 1

    def _begin(self, task: int, job: tuple[int, int]) -> None:
        self._active[task] = job
        self._segment[task] = 0
        self._cpu_step_at[task] = 0
        self.arrivals[task].append(self._now)
        self._make_ready(task)

    def _make_ready(self, task: int) -> None:
        self._sequence += 1
        heapq.heappush(self._ready, (self._tasks[task].priority, self._sequence, task))

    def _cpu_step(self, task: int) -> None:
        """Resume a task for one CPU step, and for what follows at once."""
        begin = self._now
        segment = self._segment[task]
        steps = self._cpu_steps[task][segment]
        at = self._cpu_step_at[task]
        taken = self._resume + self._length(0, steps[at])
        if at + 1 < len(steps):
            self._compute(taken)
            self.steps[task].append((begin, self._now))
            self._cpu_step_at[task] = at + 1
            self._make_ready(task)
            return
        self._cpu_step_at[task] = 0
        if segment < len(self._tasks[task].segments_ns):
            self._compute(taken)
            self.steps[task].append((begin, self._now))
            self._submit(task)
            return
        self._compute(taken + self._length(0, self._tasks[task].cpu_ns) + self._completion)
        self.steps[task].append((begin, self._now))
        active = self._active[task]
        assert active is not None
        self.jobs[task].append(SimulatedJob(active[0], self._now))
        self._active[task] = None
        if self._backlog[task]:
            self._begin(task, self._backlog[task].popleft())

    def _compute(self, ns: int) -> None:
        """Let CPU work run; interrupts come on top of it, one at its very end included."""
        end = self._now + ns
        while self._until <= end:
            self._now = self._until
            end += self._interrupt()
        self._now = end

    # NPU -----------------------------------------------------------------------------------------

    def _submit(self, task: int) -> None:
        self.arrivals[task].append(self._now)
        self._request(task)
        if self._current is None:
            self._now += self._start_best()

    def _request(self, task: int) -> None:
        self._sequence += 1
        parameters = self._tasks[task]
        rank = tie = 0
        if self._policy == "fp":
            rank = parameters.priority
        elif self._policy == "edf":
            active = self._active[task]
            assert active is not None
            rank, tie = active[1] + parameters.deadline_ns // TICK_NS, parameters.priority
        self._requests[task] = (rank, tie, self._sequence)

    def _interrupt(self) -> int:
        """The present segment ends now; the result is the CPU time of its handler."""
        task = self._current
        assert task is not None
        self._current = None
        self._until = _NEVER
        self._segment[task] += 1
        if self._segment[task] in self._cpu_steps[task]:
            del self._requests[task]
            self.arrivals[task].append(self._now)
            self._done.append(task)
        elif self._policy == "rr":
            self._request(task)
        return self._start_best()

    def _start_best(self) -> int:
        if not self._requests:
            return 0
        task = min(self._requests, key=self._requests.__getitem__)
        segment = self._segment[task]
        start = self._now + self._dispatch
        self._current = task
        parameters = self._tasks[task]
        self._until = start + self._length(
            parameters.fastest_ns[segment], parameters.segments_ns[segment]
        )
        self.slices.append(SimulatedSlice(task, segment, start, self._until))
        return self._dispatch
