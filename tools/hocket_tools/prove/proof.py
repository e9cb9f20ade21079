# SPDX-License-Identifier: Apache-2.0
"""What an analysis found."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from .parts import BoundPart, Unit
from .taskset import TaskModel, TaskSet


@dataclass(frozen=True)
class TaskProof:
    """Bound on the response time of one task, and what it is made of; times in ns."""

    task: TaskModel
    parts: tuple[BoundPart, ...]
    """What the bound is made of; without one, what can come up to the deadline."""
    bound_ns: int | None
    """From nominal release to completion; None if no bound was found."""
    overruns: bool
    """Whether releases may be lost, or jobs aborted, because the job before is unfinished."""

    @property
    def own_ns(self) -> int:
        """The job alone: resumes, segments with their dispatches, CPU time."""
        return sum(part.ns for part in self.parts if part.kind == "own")

    @property
    def blocking_ns(self) -> int:
        """Less urgent segments that may be under way; whole jobs under fifo and rr."""
        return self._blocking_ns("NPU")

    @property
    def cpu_blocking_ns(self) -> int:
        """Less urgent CPU steps that may be under way, when it comes to the CPU."""
        return self._blocking_ns("CPU")

    def _blocking_ns(self, unit: Unit) -> int:
        own = (part for part in self.parts if (part.kind, part.unit) == ("blocking", unit))
        return sum(part.ns for part in own)

    @property
    def interference_ns(self) -> int | None:
        """All other delay: more urgent jobs, dispatches, jitter."""
        if self.bound_ns is None:
            return None
        return max(self.bound_ns - self.own_ns - self.blocking_ns - self.cpu_blocking_ns, 0)

    @property
    def slack_ns(self) -> int | None:
        """What is left to the deadline; negative when it may be missed."""
        return None if self.bound_ns is None else self.task.deadline_ns - self.bound_ns

    @property
    def holds(self) -> bool:
        """Whether every release is served by its deadline."""
        return self.slack_ns is not None and self.slack_ns >= 0 and not self.overruns


@dataclass(frozen=True)
class Proof:
    """Bounds for a whole set."""

    taskset: TaskSet
    tasks: tuple[TaskProof, ...]
    gave_up: bool = False
    """Whether bounds were not looked for, or not closely, because that takes too many steps."""

    @property
    def schedulable(self) -> bool:
        """Whether every deadline is proved."""
        return all(task.holds for task in self.tasks)

    @cached_property
    def npu_utilisation(self) -> Fraction:
        """Share of time that segments and dispatches keep the NPU."""
        return sum(
            (Fraction(self.taskset.demand_ns(t.task), t.task.period_ns) for t in self.tasks),
            Fraction(0),
        )

    @cached_property
    def cpu_utilisation(self) -> Fraction:
        """Share of time that resumes, bodies and dispatches keep the CPU."""
        return sum(
            (Fraction(self.taskset.cpu_demand_ns(t.task), t.task.period_ns) for t in self.tasks),
            Fraction(0),
        )
