# SPDX-License-Identifier: Apache-2.0
"""What one platform made of an application."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hocket_host.machines.results import Run

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
    run: Run
    """Without segments where they were not watched."""
    responses: Mapping[str, Response]
    """By task, as the kernel measured them."""
    misses: int
    """Deadlines missed and releases skipped."""
    mismatched: tuple[str, ...] | None = None
    """Tasks whose outputs are not all tflite_micro's; None if they were not compared."""

    @property
    def real_time(self) -> float:
        """Seconds of virtual time in one of the host."""
        return self.run.duration_ns / 1e9 / self.run.wall_s

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
        last: dict[int, int] = {}
        for segment in self.run.segments:
            last[segment.task] = max(last.get(segment.task, 0), segment.step)
        found = []
        for segment in self.run.segments:
            task = self.run.names[segment.task]
            if left.get(task, 0):
                found.append(f"{task}/{segment.step}")
                left[task] -= segment.step == last[segment.task]
        return found

    def npu_ns(self) -> dict[str, int]:
        """The longest time of each segment on the NPU, by ``task/segment``."""
        longest: dict[str, int] = {}
        for segment in self.run.segments:
            name = f"{self.run.names[segment.task]}/{segment.step}"
            longest[name] = max(longest.get(name, 0), segment.end_ns - segment.start_ns)
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
