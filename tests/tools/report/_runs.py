# SPDX-License-Identifier: Apache-2.0
"""Runs and containers made by hand, for what no network is needed."""

from hocket_host.machines.results import Job, Run, SegmentRun, TaskRun
from hocket_tools import container as hkt

MS = 1_000_000


def job(index: int, release: int, end: int | None, deadline: int, outcome: str = "done") -> Job:
    return Job(0, index, release, release + deadline, end, outcome)  # type: ignore[arg-type]


def run(
    jobs: dict[str, list[Job]], slices: list[SegmentRun], *, period: int = 100, duration: int = 400
) -> Run:
    """A run of tasks without offsets whose deadlines are their periods."""
    tasks = tuple(
        TaskRun(
            name=name,
            period_ns=period,
            deadline_ns=period,
            offset_ns=0,
            priority=rank,
            jobs=tuple(listed),
            releases=-(-duration // period),
            skipped=0,
            blocking_ns=0,
            npu_ns=sum(s.end_ns - s.start_ns for s in slices if s.task == rank),
        )
        for rank, (name, listed) in enumerate(jobs.items())
    )
    return Run("cpython", duration, segments=tuple(slices), tasks=tasks)


def image(
    *names: str, steps: int = 2, overrun: hkt.Overrun = hkt.Overrun.SKIP, bound: int = 0
) -> hkt.Image:
    """A container with a model of some steps for each task, and nothing in them."""
    step = hkt.Step(
        "layer", b"", nominal_cycles=10, worst_cycles=12, first_operation=0, operations=1
    )
    model = hkt.Model("net", hkt.region_slots(), (), (), (step,) * steps, 0, 0)
    return hkt.Image(
        accelerator="ethos-u55-128",
        npu_config=0,
        npu_id=0,
        npu_hz=MS,
        arena_size=0,
        policy=hkt.Policy.FP,
        models=(model,) * len(names),
        tasks=tuple(
            hkt.Task(name, index, 100, 100, priority=index, overrun=overrun)
            for index, name in enumerate(names)
        ),
        plan=tuple(hkt.PlanEntry(response_bound_ns=bound) for _ in names),
    )
