# SPDX-License-Identifier: Apache-2.0
"""What a bound is made of: a job's own work, and whose work is in its way on which unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from .dispatches import Dispatches
from .span import Delays, after_ns
from .stages import Stages
from .taskset import TaskModel, TaskSet

Kind = Literal["own", "blocking", "interference", "kernel"]
Unit = Literal["NPU", "CPU"]


@dataclass(frozen=True)
class BoundPart:
    """A share of a bound."""

    kind: Kind
    unit: Unit
    what: str
    """Of the own work and the kernel's: what; else whose work it is."""
    ns: int
    longest_ns: int = 0
    """Of what blocks: the longest stretch, a segment or a CPU step."""
    times: int = 0
    """Of what blocks: how many stretches."""


def own_parts(taskset: TaskSet, task: TaskModel) -> Iterator[BoundPart]:
    """A job alone."""
    resumes = task.resumes * taskset.resume_ns
    shares: tuple[tuple[Unit, str, int], ...] = (
        ("NPU", "segments", task.npu_ns),
        ("NPU", "dispatches", len(task.segments_ns) * taskset.dispatch_ns),
        ("CPU", "operators", sum(run.total_ns for run in task.cpu_runs)),
        ("CPU", "cpu", task.cpu_ns),
        ("CPU", "resumes", resumes + taskset.release_ns + taskset.completion_ns),
    )
    for unit, what, ns in shares:
        if ns:
            yield BoundPart("own", unit, what, ns)


def bound_parts(
    taskset: TaskSet,
    stages: Stages,
    cpu: Delays,
    npu: Delays,
    dispatches: Dispatches,
    window_ns: int,
    bounded: bool,
) -> tuple[BoundPart, ...]:
    """What can add up to a bound, each part at most; without a bound, what can in a window.

    Parameters
    ----------
    taskset, stages
        The set, and the task.
    cpu, npu
        What may delay its jobs on each unit.
    dispatches
        Bounds on the kernel's other work.
    window_ns, bounded
        The bound, or else how long to look; and whether parts are to add up to just that.
    """
    delays = [
        *_delays(taskset, stages, npu, "NPU", window_ns),
        *_delays(taskset, stages, cpu, "CPU", window_ns),
    ]
    delays.sort(key=lambda part: (part.kind != "blocking", part.unit == "CPU", -part.ns))
    found = [*own_parts(taskset, stages.task), *delays]
    kernel = dispatches.stolen_ns(window_ns)
    if bounded:
        left, fitting = window_ns, []
        for part in found:
            fitting.append(replace(part, ns=min(part.ns, left)))
            left -= fitting[-1].ns
        found, kernel = fitting, left
    rest = BoundPart("kernel", "CPU", "dispatches, releases and ticks", kernel)
    return tuple(part for part in (*found, rest) if part.ns)


def _delays(
    taskset: TaskSet, stages: Stages, delays: Delays, unit: Unit, window_ns: int
) -> Iterator[BoundPart]:
    tasks = taskset.tasks
    visits = len(stages.places(unit == "NPU"))
    until = max(window_ns - stages.last_cpu_step_ns, 0) + 1
    room = {t.task: max(t.work_ns(window_ns) - t.executed_ns(until), 0) for t in delays.tasks}
    before = max(window_ns - after_ns(stages.links, unit == "NPU"), 0)
    by_task: dict[int, BoundPart] = {}
    for stretch, ns in delays.blocking.parts(visits, before, room):
        known = by_task.get(stretch.task)
        times = -(-ns // stretch.length_ns)
        by_task[stretch.task] = BoundPart(
            "blocking",
            unit,
            tasks[stretch.task].name,
            ns + (known.ns if known else 0),
            known.longest_ns if known else stretch.length_ns,
            times + (known.times if known else 0),
        )
    yield from by_task.values()
    for task in delays.tasks if visits else ():
        whose = tasks[task.task]
        # Where jobs take turns, whoever is less urgent blocks.
        turns = unit == "NPU" and taskset.policy in ("fifo", "rr")
        less = turns and whose.priority > stages.task.priority
        yield BoundPart(
            "blocking" if less else "interference", unit, whose.name, task.executed_ns(until)
        )
