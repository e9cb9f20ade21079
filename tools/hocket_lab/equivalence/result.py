# SPDX-License-Identifier: Apache-2.0
"""What one platform made of an application."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hocket_host.machines.common import NpuRun

Outputs = dict[str, list[bytes]]
"""Outputs of each task's jobs in order, all of one job's joined."""
#: Characters of a table's first and of its other columns.
_NAME, _COLUMN = 16, 11
_COLUMNS = {"min_us": "min us", "mean_us": "mean us", "max_us": "max us"}


@dataclass(frozen=True)
class Response:
    """Response times of a task's jobs, from release to the end of the body, in whole us."""

    min_us: int
    mean_us: int
    max_us: int


@dataclass(frozen=True)
class PlatformResult:
    """What one platform made of an application."""

    outputs: Outputs
    segments: tuple[NpuRun, ...]
    """In the order in which they ended; none where they were not watched."""
    responses: Mapping[str, Response]
    """By task, as the kernel measured them."""
    misses: int
    """Deadlines missed and releases skipped."""
    virtual_ns: int
    wall_s: float
    """Seconds of the host, for speed alone."""
    instructions: int | None = None
    """Executed by the guest, where there is one that counts."""
    mismatched: tuple[str, ...] | None = None
    """Tasks whose outputs are not all tflite_micro's; None if they were not compared."""

    @property
    def guest_mips(self) -> float | None:
        """Million guest instructions a second of the host, the NPU's model included."""
        return None if self.instructions is None else self.instructions / self.wall_s / 1e6

    @property
    def real_time(self) -> float:
        """Seconds of virtual time in one of the host."""
        return self.virtual_ns / 1e9 / self.wall_s

    def jobs(self) -> dict[str, int]:
        """Completed jobs by task."""
        return {task: len(outputs) for task, outputs in self.outputs.items()}

    def digest(self, jobs: Mapping[str, int]) -> str:
        """SHA-256 over the outputs of so many jobs of each task, by the tasks' names."""
        total = hashlib.sha256()
        for task in sorted(jobs):
            total.update(self.task_digest(task, jobs[task]).encode())
        return total.hexdigest()

    def task_digest(self, task: str, jobs: int) -> str:
        """SHA-256 over the outputs of a task's first jobs."""
        return hashlib.sha256(b"".join(self.outputs[task][:jobs])).hexdigest()

    def order(self, jobs: Mapping[str, int]) -> list[str]:
        """``task/segment`` of each segment of so many jobs of each task, as they ended."""
        left = dict(jobs)
        last = {run.task: 0 for run in self.segments}
        for run in self.segments:
            last[run.task] = max(last[run.task], run.segment)
        found = []
        for run in self.segments:
            if left.get(run.task, 0):
                found.append(f"{run.task}/{run.segment}")
                left[run.task] -= run.segment == last[run.task]
        return found

    def npu_ns(self) -> dict[str, int]:
        """The longest time of each segment on the NPU, by ``task/segment``."""
        longest: dict[str, int] = {}
        for run in self.segments:
            name = f"{run.task}/{run.segment}"
            longest[name] = max(longest.get(name, 0), run.end_ns - run.start_ns)
        return longest


def read_report(text: str) -> tuple[dict[str, Response], int] | None:
    """Response times and misses from a table of the kernel; None if there is no whole one.

    Parameters
    ----------
    text
        Console output; the first table counts.
    """
    lines = [line.rstrip("\r") for line in text.splitlines()]
    heads = [at for at, line in enumerate(lines) if line.split()[:3] == ["task", "jobs", "done"]]
    if not heads:
        return None
    at = heads[0]
    titles = ["task", *_titles(lines[at][_NAME:])]
    responses, misses = {}, 0
    for line in lines[at + 1 :]:
        row = line.split()
        if len(row) != len(titles) or not all(word.isdigit() for word in row[1:]):
            break
        named = dict(zip(titles, row, strict=True))
        responses[row[0]] = Response(**{f: int(named[t]) for f, t in _COLUMNS.items()})
        misses += sum(int(named[title]) for title in ("miss", "skip", "abort", "fault"))
    return (responses, misses) if responses else None


def _titles(line: str) -> Sequence[str]:
    """Titles of a table's columns, which may be of several words."""
    ends = range(0, len(line) + 1, _COLUMN)
    return [line[a:b].strip() for a, b in pairwise(ends)]
