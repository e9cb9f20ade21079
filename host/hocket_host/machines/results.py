# SPDX-License-Identifier: Apache-2.0
"""What a run of the firmware yields, whichever platform it ran on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

Frame = tuple[NDArray[Any], ...]
"""One array for each input, or output, of a network."""
OnJob = Callable[[str, Frame, Frame], None]
"""Called with task, inputs and outputs of each completed job."""

CpuKind = Literal["dispatch", "release", "resume", "step", "body"]
"""Start of the next segment; release of a job; resume of a coroutine; work on a step of the
network; a task's own declared time with the completion of its job."""


@dataclass(frozen=True)
class Job:
    """One release of a task and what became of it."""

    task: int
    index: int
    """Ordinal of the release, from 0; releases without a job were skipped."""
    release_ns: int
    deadline_ns: int
    """Absolute."""
    end_ns: int | None
    """Completion of the body; None when it never came."""
    outcome: Literal["done", "failed", "unfinished"]

    @property
    def response_ns(self) -> int | None:
        """From the nominal release to completion."""
        return None if self.end_ns is None else self.end_ns - self.release_ns

    @property
    def late(self) -> bool:
        """Whether it completed after its deadline."""
        return self.end_ns is not None and self.end_ns > self.deadline_ns


@dataclass(frozen=True)
class SegmentRun:
    """One segment's time on the NPU."""

    task: int
    step: int
    """Index of the segment among the steps of its network."""
    start_ns: int
    end_ns: int


@dataclass(frozen=True)
class CpuWork:
    """Time of the CPU without interruption: what an interrupt cuts in two is two of these."""

    task: int
    kind: CpuKind
    start_ns: int
    end_ns: int
    step: int | None = None
    """Of a step of the network: its index there."""


@dataclass(frozen=True)
class TaskRun:
    """What happened to one task; times in ns."""

    name: str
    period_ns: int
    deadline_ns: int
    """Relative."""
    offset_ns: int
    priority: int
    jobs: tuple[Job, ...]
    releases: int
    """Releases within the run, skipped ones included."""
    skipped: int
    blocking_ns: int
    """Longest time of one segment of a less urgent task while a job of this one waited."""
    npu_ns: int
    steps_ns: int = 0
    """Time of the CPU in its steps of the network."""

    @property
    def responses_ns(self) -> list[int]:
        """Response times of completed jobs."""
        return [job.response_ns for job in self.jobs if job.response_ns is not None]

    @property
    def late(self) -> int:
        """Jobs that completed after their deadline, or had not by the end of the run."""
        return sum(job.late or job.outcome == "unfinished" for job in self.jobs)

    @property
    def misses(self) -> int:
        """Deadlines not kept: late, skipped and failed jobs."""
        failed = sum(job.outcome == "failed" for job in self.jobs)
        return self.late + self.skipped + failed


@dataclass(frozen=True)
class Run:
    """A run of the firmware; a field that a platform knows nothing of has its default."""

    platform: str
    """``cpython``, ``micropython``, or the emulator of an ARM image."""
    duration_ns: int
    """Virtual time, the boot of an image included."""
    names: tuple[str, ...] = ()
    """Tasks, in the order of the container; none without a container."""
    segments: tuple[SegmentRun, ...] = ()
    """In the order in which they ended."""
    completed: Mapping[str, int] = field(default_factory=dict)
    """Completed jobs by task."""
    tasks: tuple[TaskRun, ...] = ()
    """Every job, as only CPython sees it."""
    cpu: tuple[CpuWork, ...] = ()
    """In order of time, as only CPython sees it."""
    report: str = ""
    """The kernel's own statistics, as it prints them."""
    npu_runs: int = 0
    """Runs of the NPU that ended regularly, those without a container included."""
    instructions: int | None = None
    """Of the guest; None where they are not counted."""
    exit_code: int | None = None
    """What an image ended with by semihosting; None if it goes on."""
    problems: tuple[str, ...] = ()
    """Misuse of the NPU, and faults of the CPU."""
    wall_s: float = field(default=0.0, compare=False)
    """Seconds of the host, for speed only; nothing depends on it."""

    @property
    def npu_busy_ns(self) -> int:
        """Time that the NPU worked on segments."""
        return sum(s.end_ns - s.start_ns for s in self.segments)

    @property
    def guest_mips(self) -> float | None:
        """Million guest instructions a second of the host, the NPU's model included."""
        if self.instructions is None or not self.wall_s:
            return None
        return self.instructions / self.wall_s / 1e6
