# SPDX-License-Identifier: Apache-2.0
"""What is known about a task's stages while bounds are being found.

A job passes three stages: CPU (resume, submit), NPU (segments), CPU (resume, computation). Each is
an arrival stream of its own with the task's period and a jitter that grows from stage to stage
(Tindell and Clark, 1994): all instants are relative to the earliest instant at which the release
may come, `Task.early_ns` before the nominal one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .taskset import Task, TaskSet

INFINITE = 1 << 60
"""A bound that was not found."""


@dataclass
class Stage:
    """Bounds of one task so far; they only grow."""

    task: Task
    demand_ns: int
    """On the NPU, dispatches included."""
    resume_ns: int
    completion_ns: int
    """Of the kernel, after the task's own computation."""
    release_jitter_ns: int
    submit_ns: int
    """Latest submission."""
    npu_done_ns: int
    """Latest end on the NPU."""
    finish_ns: int
    """Latest completion."""
    late: bool = False
    """Whether a release may go unnoticed until the job before it completes, in its last piece."""
    backlogged: bool = False
    """Whether a job may begin later than it is released, after the one before it."""

    @classmethod
    def of(cls, taskset: TaskSet, task: Task) -> Stage:
        """The least that is possible: a job alone."""
        jitter = task.early_ns + task.jitter_ns
        submit = jitter + taskset.resume_ns
        demand = taskset.demand_ns(task)
        done = submit + demand
        finish = done + taskset.resume_ns + task.cpu_ns + taskset.completion_ns
        return cls(
            task, demand, taskset.resume_ns, taskset.completion_ns, jitter, submit, done, finish
        )

    @property
    def last_piece_ns(self) -> int:
        """CPU time of the third stage."""
        return self.resume_ns + self.task.cpu_ns + self.completion_ns

    @property
    def submit_jitter_ns(self) -> int:
        """Between the earliest and the latest submission."""
        if self.backlogged:
            return self.finish_ns - self.last_piece_ns - self.demand_ns - self.resume_ns
        return self.submit_ns - self.resume_ns

    def _gap_ns(self) -> int:
        """Least distance of the arrivals of two pieces of this task."""
        gap = self.resume_ns + self.demand_ns
        after = self.last_piece_ns if self.backlogged else self.task.period_ns - self.npu_done_ns
        return min(gap, after)

    def one_piece_in(self, window_ns: int) -> bool:
        """Whether no two pieces of this task arrive in a closed window."""
        return window_ns < self._gap_ns()

    def cpu_pieces_ns(self, window_ns: int) -> int:
        """CPU time of the pieces that arrive in a closed window."""
        if self.one_piece_in(window_ns):
            return self.last_piece_ns
        period = self.task.period_ns
        first_jitter = self.submit_jitter_ns if self.backlogged else self.release_jitter_ns
        last_jitter = self.npu_done_ns - self.resume_ns - self.demand_ns
        first = (window_ns + first_jitter) // period + 1
        last = (window_ns + last_jitter) // period + 1
        return first * self.resume_ns + last * self.last_piece_ns

    def unbounded(self) -> bool:
        """Whether nothing holds."""
        return self.finish_ns >= INFINITE

    def give_up(self) -> None:
        """Nothing can be said of it, nor of what depends on it."""
        self.submit_ns = self.npu_done_ns = self.finish_ns = INFINITE


def fixed_point(function: Callable[[int], int], horizon_ns: int, start_ns: int = 0) -> int:
    """Least fixed point of a growing function from a start below it; `INFINITE` past a horizon."""
    value = start_ns
    while value <= horizon_ns:
        following = function(value)
        if following <= value:
            return value
        value = following
    return INFINITE


def floor_of_fixed_point(constant_ns: int, load: list[tuple[int, int]]) -> int:
    """Where to start iterating ``x = constant + sum((x // period + 1) * cost)``.

    No fixed point is below the one of the fluid load; billionths rounded down keep it integer.
    Returns `INFINITE` if the load leaves nothing.
    """
    scale = 1_000_000_000
    share = sum(cost * scale // period for cost, period in load)
    if share >= scale:
        return INFINITE
    return constant_ns * scale // (scale - share)
