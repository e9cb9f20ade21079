# SPDX-License-Identifier: Apache-2.0
"""Task sets: what is proved and simulated.

A job is released and resumed by the kernel (CPU), submits its segments (NPU, each after a dispatch
that the CPU pays), is resumed again, computes its declared CPU time and is completed by the kernel.
Operators that the NPU lacks run on the CPU before, between and after segments, in CPU steps between
which the kernel may resume a more urgent task. The kernel releases all that is due before it
resumes anybody. All times are integer ns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Literal

from hocket_host.board.board import Board
from hocket_host.errors import HocketError
from hocket_host.units import cycles_to_ns

from ..container import Image
from .steps import CpuRun, Cycles, timed

Policy = Literal["fifo", "fp", "edf", "rr"]
Overrun = Literal["skip", "queue", "abort"]

TICK_NS = 1000
"""The device's timers are whole microseconds: a release comes at the tick at or before it."""


class AnalysisError(HocketError):
    """A task set about which nothing can be proved because it makes no sense."""


def key_ns(deadline_ns: int) -> int:
    """A relative deadline as the device orders by it under EDF: in whole ticks."""
    return deadline_ns // TICK_NS * TICK_NS


@dataclass(frozen=True)
class TaskModel:
    """A periodic or sporadic task as the analysis sees it."""

    name: str
    period_ns: int
    """Least distance of two nominal releases."""
    deadline_ns: int
    """Relative to the nominal release; may lie beyond the period."""
    segments_ns: tuple[int, ...]
    """Longest NPU time of each segment, without its dispatch."""
    cpu_ns: int = 0
    """CPU time of a job after its inference."""
    offset_ns: int = 0
    """Of the first release; bounds hold for any offsets."""
    jitter_ns: int = 0
    """How long after its nominal instant a release may come."""
    priority: int = 0
    """0 is the most urgent."""
    overrun: Overrun = "skip"
    """What happens to a release that finds the job before it unfinished."""
    cpu_runs: tuple[CpuRun, ...] = ()
    """Work of its network that the CPU does, in order."""
    least_ns: tuple[int, ...] = ()
    """Shortest NPU time of each segment; empty if they always take the longest."""

    def __post_init__(self) -> None:
        places = [run.before for run in self.cpu_runs]
        if places != sorted({*places} & {*range(len(self.segments_ns) + 1)}) or (
            self.least_ns and len(self.least_ns) != len(self.segments_ns)
        ):
            raise AnalysisError(
                "CPU work or shortest times that do not fit the segments",
                where=f"task {self.name}",
                found=f"CPU work before {places}, {len(self.least_ns)} shortest times",
                expected=f"places from 0 to {len(self.segments_ns)} in order, and a time for each",
            )
        segments = self.segments_ns or (0 if not self.cpu_runs else 1,)
        steps = [length for run in self.cpu_runs for length, _ in run.steps]
        low = {
            "period": (self.period_ns, TICK_NS),
            "deadline": (self.deadline_ns, 1),
            "CPU time": (self.cpu_ns, 0),
            "offset": (self.offset_ns, 0),
            "jitter": (self.jitter_ns, 0),
            "shortest segment": (min(segments), 1),
            "shortest time of a segment": (min(self.least_ns, default=0), 0),
            "shortest CPU step": (min(steps, default=0), 0),
            "number of CPU steps": (min((run.count for run in self.cpu_runs), default=1), 1),
        }
        for what, (value, least) in low.items():
            if value < least:
                raise AnalysisError(
                    f"a {what} that no job can have",
                    where=f"task {self.name}",
                    found=f"{value} ns",
                    expected=f"at least {least} ns",
                )

    @cached_property
    def npu_ns(self) -> int:
        """NPU time of a job, without dispatches."""
        return sum(self.segments_ns)

    @property
    def longest_segment_ns(self) -> int:
        """Its longest segment; 0 without any."""
        return max(self.segments_ns, default=0)

    @property
    def fastest_ns(self) -> tuple[int, ...]:
        """Shortest NPU time of each segment."""
        return self.least_ns or self.segments_ns

    @cached_property
    def resumes(self) -> int:
        """Resumes of a job: to submit, at the end of an inference, and for each CPU step."""
        ends = {0, *(run.before for run in self.cpu_runs), len(self.segments_ns)}
        return len(ends) + sum(run.count - 1 for run in self.cpu_runs)

    @cached_property
    def early_ns(self) -> int:
        """How much earlier than nominal a release may come, from the granularity of ticks.

        Zero where period and jitter keep all releases at one distance from their ticks.
        """
        return TICK_NS - 1 if self.period_ns % TICK_NS or self.jitter_ns else 0


@dataclass(frozen=True)
class KernelCosts:
    """CPU time of the kernel's own work, in ns; `TaskSet` says what each is."""

    dispatch_ns: int
    resume_ns: int
    release_ns: int
    completion_ns: int

    @classmethod
    def of(cls, board: Board, cpu_hz: int) -> KernelCosts:
        """Costs of a board whose CPU runs at a clock."""
        return cls(
            cycles_to_ns(board.dispatch_cpu_cycles, cpu_hz),
            cycles_to_ns(board.resume_cpu_cycles, cpu_hz),
            cycles_to_ns(board.release_cpu_cycles, cpu_hz),
            cycles_to_ns(board.completion_cpu_cycles, cpu_hz),
        )

    @property
    def by_name(self) -> dict[str, int]:
        """As `TaskSet` takes them."""
        return asdict(self)


@dataclass(frozen=True)
class TaskSet:
    """Tasks that share one NPU and one CPU."""

    tasks: tuple[TaskModel, ...]
    policy: Policy = "fp"
    dispatch_ns: int = 0
    """CPU time before each segment's start, during which the NPU waits."""
    resume_ns: int = 0
    """CPU time of each resume of a coroutine; two a job, more where operators run on the CPU."""
    release_ns: int = 0
    """CPU time of each release, however urgent, before any resume."""
    completion_ns: int = 0
    """CPU time of the kernel after a job's own computation; part of its response."""
    npu_hz: int | None = field(default=None, compare=False)
    """For advice only."""

    def __post_init__(self) -> None:
        names = [task.name for task in self.tasks]
        if not names or len(set(names)) != len(names):
            raise AnalysisError(
                "not a set of tasks",
                found=", ".join(names) or "no task",
                expected="one task or more, each with a name of its own",
            )
        kinds = ("dispatch", "resume", "release", "completion")
        costs = {kind: getattr(self, f"{kind}_ns") for kind in kinds}
        if min(costs.values()) < 0:
            raise AnalysisError(
                "a cost cannot be negative",
                found=", ".join(f"{name} {ns} ns" for name, ns in costs.items()),
                expected="0 ns or more",
            )

    def demand_ns(self, task: TaskModel) -> int:
        """Time for which one job keeps the NPU from others: segments and their dispatches."""
        return task.npu_ns + len(task.segments_ns) * self.dispatch_ns

    def cpu_demand_ns(self, task: TaskModel) -> int:
        """CPU time of one job: the kernel's, its own computation and its dispatches."""
        kernel = self.release_ns + task.resumes * self.resume_ns + self.completion_ns
        own = task.cpu_ns + sum(run.total_ns for run in task.cpu_runs)
        return kernel + own + len(task.segments_ns) * self.dispatch_ns

    def scaled(self, numerator: int, denominator: int) -> TaskSet:
        """All execution times and costs multiplied by a fraction, rounded up."""

        def times(value: int) -> int:
            return -(-value * numerator // denominator)

        tasks = tuple(
            replace(
                task,
                segments_ns=tuple(max(times(e), 1) for e in task.segments_ns),
                least_ns=tuple(e * numerator // denominator for e in task.least_ns),
                cpu_ns=times(task.cpu_ns),
                cpu_runs=tuple(
                    CpuRun(run.before, tuple((times(length), n) for length, n in run.steps))
                    for run in task.cpu_runs
                ),
            )
            for task in self.tasks
        )
        return replace(
            self,
            tasks=tasks,
            dispatch_ns=times(self.dispatch_ns),
            resume_ns=times(self.resume_ns),
            release_ns=times(self.release_ns),
            completion_ns=times(self.completion_ns),
        )

    @classmethod
    def from_image(
        cls,
        image: Image,
        kernel: KernelCosts,
        *,
        cpu_hz: int,
        cycles: Cycles = "worst",
        policy: Policy | None = None,
        jitter_ns: Mapping[str, int] | None = None,
    ) -> TaskSet:
        """Task set of a container on a board.

        Parameters
        ----------
        image
            The container.
        kernel, cpu_hz
            The board's costs and clock.
        cycles
            Which of the two figures a step carries.
        policy
            In place of the container's own.
        jitter_ns
            How long after its nominal instant a release may come, by task; none where absent.

        Raises
        ------
        AnalysisError
            No tasks, or networks that share an arena: they exclude each other for whole jobs.
        """
        _refuse_sharing(image)
        steps = [timed(model.steps, image.npu_hz, cpu_hz, cycles) for model in image.models]
        return cls(
            tasks=tuple(
                TaskModel(
                    name=task.name,
                    period_ns=task.period_ns,
                    deadline_ns=task.deadline_ns,
                    segments_ns=steps[task.model].segments_ns,
                    cpu_ns=task.cpu_ns,
                    offset_ns=task.offset_ns,
                    jitter_ns=(jitter_ns or {}).get(task.name, 0),
                    priority=task.priority,
                    overrun=_OVERRUNS[int(task.overrun)],
                    cpu_runs=steps[task.model].cpu_runs,
                    least_ns=steps[task.model].least_ns,
                )
                for task in image.tasks
            ),
            policy=_POLICIES[int(image.policy)] if policy is None else policy,
            npu_hz=image.npu_hz,
            **kernel.by_name,
        )


def _refuse_sharing(image: Image) -> None:
    models = [image.models[task.model] for task in image.tasks]
    sharing = [model.name for model in models if model.shared_arena]
    if len(sharing) > 1:
        raise AnalysisError(
            "networks that share an arena are not analysed",
            found=", ".join(sharing),
            expected="an arena of its own for each network",
        )


# In the order of the container's codes.
_POLICIES: tuple[Policy, ...] = ("fifo", "fp", "edf", "rr")
_OVERRUNS: tuple[Overrun, ...] = ("skip", "queue", "abort")
