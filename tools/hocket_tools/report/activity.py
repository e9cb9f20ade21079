# SPDX-License-Identifier: Apache-2.0
"""What a run did with the NPU and the CPU, as plain values that reports and traces draw from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hocket_host.machines.results import CpuWork, Job, Run, SegmentRun, TaskRun

from ..container import Image, Overrun


def activity(run: Run, image: Image, *, policy: str | None = None) -> dict[str, Any]:
    """Describe a run on its resources.

    Parameters
    ----------
    run, image
        An emulation and the container that it ran.
    policy
        NPU policy of the run if it was not the container's own, for which alone its bounds hold.

    Returns
    -------
    dict
        All times are integer ns from the start of the run. ``npu`` has a row
        ``[task, job, segment, start, end]`` for each segment, in order of time, where ``job`` is
        a place in that task's ``jobs``; ``preemptions`` has pairs of rows of ``npu`` between which
        a job waited while another's segment ran. ``cpu`` has a row ``[task, what, start, end]`` for
        each interval of CPU work, in order of time.
    """
    bounded = policy in (None, image.policy.name.lower())
    tasks = []
    jobs_of: list[int] = [-1] * len(run.segments)
    preemptions: list[list[int]] = []
    for index in range(len(run.tasks)):
        attempts = _attempts(run.segments, index)
        jobs = _jobs(run, index, image, attempts, jobs_of)
        tasks.append(_task(run, image, index, jobs, bounded))
        for attempt in attempts:
            # Segments are in order of time, so neighbours had nothing between them. What left the
            # NPU for a CPU operator was not made to wait.
            preemptions += [
                [a, b]
                for a, b in pairwise(attempt)
                if b != a + 1 and run.segments[b].step == run.segments[a].step + 1
            ]
    return {
        "duration_ns": run.duration_ns,
        "npu_busy_ns": run.npu_busy_ns,
        "tasks": tasks,
        "npu": [
            [s.task, jobs_of[i], s.step, s.start_ns, s.end_ns] for i, s in enumerate(run.segments)
        ],
        "preemptions": sorted(preemptions),
        "cpu": [[w.task, _what(w, image), w.start_ns, w.end_ns] for w in run.cpu],
    }


def _what(work: CpuWork, image: Image) -> str:
    """Name of the network's step, or the kind of other work."""
    if work.step is None:
        return work.kind
    return image.models[image.tasks[work.task].model].steps[work.step].name


def _task(
    run: Run, image: Image, index: int, jobs: Sequence[dict[str, Any]], bounded: bool
) -> dict[str, Any]:
    task = run.tasks[index]
    plan = image.plan[index] if bounded and index < len(image.plan) else None
    served = {job["index"] for job in jobs}
    last = max(served, default=-1)
    releases = [task.offset_ns + i * task.period_ns for i in range(task.releases)]
    return {
        "name": task.name,
        "model": image.tasks[index].model,
        "period_ns": task.period_ns,
        "deadline_ns": task.deadline_ns,
        "offset_ns": task.offset_ns,
        "priority": task.priority,
        "overrun": image.tasks[index].overrun.name.lower(),
        "bound_ns": (plan.response_bound_ns or None) if plan is not None else None,
        "releases": task.releases,
        "misses": task.misses,
        "late": task.late,
        "skipped": task.skipped,
        "blocking_ns": task.blocking_ns,
        "npu_ns": task.npu_ns,
        "jobs": list(jobs),
        # A release without a job, unless the end of the run may have kept it from beginning.
        "skipped_ns": [
            at
            for i, at in enumerate(releases)
            if i not in served and (i < last or at + task.deadline_ns <= run.duration_ns)
        ],
    }


def _attempts(slices: Sequence[SegmentRun], task: int) -> list[list[int]]:
    """A task's segments by job: a job begins anew with the network's first segment."""
    attempts: list[list[int]] = []
    previous = -1
    for index, run in enumerate(slices):
        if run.task != task:
            continue
        if not attempts or run.step <= previous:
            attempts.append([])
        attempts[-1].append(index)
        previous = run.step
    return attempts


def _jobs(
    run: Run,
    index: int,
    image: Image,
    attempts: Sequence[Sequence[int]],
    jobs_of: list[int],
) -> list[dict[str, Any]]:
    """A task's jobs with what they did on the NPU; fills in the job of each segment."""
    task = run.tasks[index]
    queued = image.tasks[index].overrun == Overrun.QUEUE
    jobs = [_job(job, "late" if job.late else job.outcome) for job in task.jobs]
    at = 0
    for attempt in attempts:
        start, end = run.segments[attempt[0]].start_ns, run.segments[attempt[-1]].end_ns
        while at < len(task.jobs) and _before(task.jobs, at, start, end, queued):
            at += 1
        if at < len(task.jobs) and task.jobs[at].release_ns <= start:
            place = at
            at += 1
        else:
            place = len(jobs)
            jobs.append(_cut_off(task, jobs, start, queued))
        jobs[place]["first_ns"] = start
        for row in attempt:
            jobs_of[row] = place
    return jobs


def _before(jobs: Sequence[Job], at: int, start: int, end: int, queued: bool) -> bool:
    """Whether a job was over before an attempt began."""
    finished = jobs[at].end_ns
    if finished is not None:
        return finished < end
    # One that never ended made way for its successor, unless releases wait in a queue.
    return not queued and at + 1 < len(jobs) and jobs[at + 1].release_ns <= start


def _job(job: Job, outcome: str) -> dict[str, Any]:
    return {
        "index": job.index,
        "release_ns": job.release_ns,
        "deadline_ns": job.deadline_ns,
        "first_ns": None,
        "end_ns": job.end_ns,
        "outcome": outcome,
    }


def _cut_off(
    task: TaskRun, jobs: Sequence[dict[str, Any]], start: int, queued: bool
) -> dict[str, Any]:
    """A job that the end of the run interrupted before its deadline."""
    ordinal = (start - task.offset_ns) // task.period_ns
    if queued and jobs:
        ordinal = jobs[-1]["index"] + 1
    release = task.offset_ns + ordinal * task.period_ns
    return {
        "index": ordinal,
        "release_ns": release,
        "deadline_ns": release + task.deadline_ns,
        "first_ns": None,
        "end_ns": None,
        "outcome": "cut off",
    }
