# SPDX-License-Identifier: Apache-2.0
"""A job as a chain of links that alternate between the CPU and the NPU.

A link on the CPU is CPU steps, each after a resume; between two of them a more urgent task may go
first. A link on the NPU is segments, each after a dispatch. A job begins and ends on the CPU: the
kernel resumes it to submit, and again at the end of its inference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from .taskset import TaskModel, TaskSet


class Link(NamedTuple):
    """What a job does on one resource before it needs the other; times in ns."""

    npu: bool
    cost_ns: int
    """Of all of it, resumes or dispatches included."""
    longest_ns: int
    """Longest stretch without preemption; a resume is part of it, a dispatch is not."""
    last_ns: int
    """Its last stretch, resume or dispatch included."""
    stretches: int
    """CPU steps or segments."""
    fast_last_ns: int
    """Least that its last stretch takes."""
    least_ns: int
    """With the shortest CPU steps or segments; the kernel's costs are fixed."""
    lengths: tuple[tuple[int, int], ...]
    """Each length of a stretch as `longest_ns` has it, and how many of it there are."""


def links(taskset: TaskSet, task: TaskModel) -> tuple[Link, ...]:
    """The chain of a task's jobs."""
    found: list[Link] = []
    runs = {run.before: run.steps for run in task.cpu_runs}
    segments = task.segments_ns
    cuts = sorted({0, *runs, len(segments)})
    for begin, end in zip(cuts, [*cuts[1:], None], strict=True):
        final = taskset.completion_ns + task.cpu_ns if end is None else 0
        found.append(_cpu(taskset.resume_ns, runs.get(begin, ((0, 1),)), final))
        if end is not None:
            found.append(_npu(taskset.dispatch_ns, segments[begin:end], task.fastest_ns[begin:end]))
    return tuple(found)


def _cpu(resume_ns: int, steps: tuple[tuple[int, int], ...], final_ns: int) -> Link:
    count = sum(times for _, times in steps)
    last = resume_ns + steps[-1][0] + final_ns
    before = (steps[-1][0], steps[-1][1] - 1)
    return Link(
        npu=False,
        cost_ns=sum(length * times for length, times in steps) + count * resume_ns + final_ns,
        longest_ns=max(resume_ns + max(length for length, _ in steps), last),
        last_ns=last,
        stretches=count,
        fast_last_ns=resume_ns,
        least_ns=count * resume_ns,
        lengths=_counted([*((resume_ns + e, n) for e, n in (*steps[:-1], before)), (last, 1)]),
    )


def _npu(dispatch_ns: int, segments: tuple[int, ...], fastest: tuple[int, ...]) -> Link:
    return Link(
        npu=True,
        cost_ns=sum(segments) + len(segments) * dispatch_ns,
        longest_ns=max(segments),
        last_ns=segments[-1] + dispatch_ns,
        stretches=len(segments),
        fast_last_ns=fastest[-1],
        least_ns=sum(fastest) + len(fastest) * dispatch_ns,
        lengths=_counted((segment, 1) for segment in segments),
    )


def _counted(stretches: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    count: Counter[int] = Counter()
    for length, times in stretches:
        count[length] += times
    return tuple(sorted(((e, n) for e, n in count.items() if n), reverse=True))
