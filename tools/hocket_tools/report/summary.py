# SPDX-License-Identifier: Apache-2.0
"""What happened in emulated runs: one structure for both text and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from hocket_host.machines.results import Run, TaskRun
from hocket_host.units import format_hz, format_ns

from ..container import Image
from ..run.run import Outcome
from ..text.tables import plain_table
from ..verify.own_arithmetic import OwnArithmetic, explained
from .timeline import Lane
from .timeline import render as draw

POLICY_NAMES = {
    "fifo": "run to completion, first in first out",
    "fp": "fixed priority",
    "edf": "earliest deadline first",
    "rr": "round robin",
}

#: Layers named before the rest are counted.
_SHOWN = 8
_COLUMNS = ("period", "deadline", "jobs", "missed", "fastest", "mean", "slowest", "blocked")


def summary(image: Image, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Figures of runs of one application, as plain values; times in integer ns."""
    return {
        "accelerator": image.accelerator,
        "npu_hz": image.npu_hz,
        "runs": [_outcome(outcome) for outcome in outcomes],
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    run = outcome.run
    result: dict[str, Any] = {
        "policy": outcome.policy,
        "cut": outcome.cut,
        "duration_ns": run.duration_ns,
        "npu_busy_ns": run.npu_busy_ns,
        "segments": len(run.segments),
        "tasks": [_task(task) for task in run.tasks],
    }
    verifier = outcome.verifier
    if verifier is not None:
        result["verified"] = {
            "jobs": dict(verifier.checked),
            "mismatches": [vars(mismatch) for mismatch in verifier.mismatches],
            "other_oracles": verifier.judged,
            "rounded_by_vela": {
                task: [vars(layer) for layer in layers] for task, layers in outcome.suspects.items()
            },
        }
    return result


def _task(task: TaskRun) -> dict[str, Any]:
    responses = task.responses_ns
    return {
        "name": task.name,
        "period_ns": task.period_ns,
        "deadline_ns": task.deadline_ns,
        "priority": task.priority,
        "releases": task.releases,
        "completed": len(responses),
        "misses": task.misses,
        "late": task.late,
        "skipped": task.skipped,
        "response_min_ns": min(responses, default=None),
        "response_mean_ns": sum(responses) // len(responses) if responses else None,
        "response_max_ns": max(responses, default=None),
        "blocking_ns": task.blocking_ns,
        "npu_ns": task.npu_ns,
        "steps_ns": task.steps_ns,
    }


def render(report: dict[str, Any], console: Console) -> None:
    """Print a summary."""
    for run in report["runs"]:
        share = 100 * run["npu_busy_ns"] / run["duration_ns"] if run["duration_ns"] else 0
        table = plain_table("task", *_COLUMNS)
        for task in run["tasks"]:
            table.add_row(*_cells(task))
        console.print(f"[bold]{POLICY_NAMES.get(run['policy'], run['policy'])}[/], {run['cut']}")
        console.print(table)
        console.print(
            f"{format_ns(run['duration_ns'])} on {report['accelerator']} at "
            f"{format_hz(report['npu_hz'])}: NPU busy {share:.1f} %, {run['segments']} segments"
        )
        _render_verified(run, console)
        console.print()


def _cells(task: dict[str, Any]) -> list[str]:
    times = [task[f"response_{which}_ns"] for which in ("min", "mean", "max")]
    missed = str(task["misses"])
    return [
        task["name"],
        format_ns(task["period_ns"]),
        format_ns(task["deadline_ns"]),
        str(task["releases"]),
        f"[bold red]{missed}[/]" if task["misses"] else missed,
        *("-" if time is None else format_ns(time) for time in times),
        format_ns(task["blocking_ns"]),
    ]


def _render_verified(run: dict[str, Any], console: Console) -> None:
    verified = run.get("verified")
    if verified is None:
        return
    jobs = sum(verified["jobs"].values())
    if jobs and not verified["mismatches"]:
        whose = "the oracles'" if verified["other_oracles"] else "tflite_micro's"
        console.print(f"verified: the outputs of {jobs} jobs equal {whose}, bit for bit")
    for line in other_oracles(verified["other_oracles"]):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    silent = [task["name"] for task in run["tasks"] if not verified["jobs"].get(task["name"])]
    if silent:
        console.print(
            f"[bold red]not verified[/]: {', '.join(silent)} finished no job; longer --seconds help"
        )
    for mismatch in verified["mismatches"]:
        console.print(
            f"[bold red]differs[/]: {mismatch['task']} job {mismatch['job']} output "
            f"{mismatch['output']}: {mismatch['elements']} elements, by up to {mismatch['largest']}"
        )
        suspects = [
            OwnArithmetic(**layer) for layer in verified["rounded_by_vela"][mismatch["task"]]
        ]
        for line in explained(suspects):
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def other_oracles(judged: Mapping[str, Mapping[str, Sequence[str]]]) -> list[str]:
    """Which layers another oracle than tflite_micro judged, in words."""
    lines = []
    for task, oracles in judged.items():
        for oracle, layers in oracles.items():
            more = f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else ""
            lines.append(
                f"{task}: tflite_micro has no kernel for {', '.join(layers[:_SHOWN])}{more}; "
                f"judged by {oracle}'s reference kernels"
            )
    return lines


def render_timeline(
    outcomes: Sequence[Outcome], console: Console, window_ns: tuple[int, int] | None = None
) -> None:
    """Draw the NPU's work by task, the same window for each run."""
    for outcome in outcomes:
        start, end = window_ns or interesting_window(outcomes[0].run)
        console.print(f"{POLICY_NAMES.get(outcome.policy, outcome.policy)}, {outcome.cut}:")
        columns = min(max(console.width - 16, 20), 100)
        for line in draw(lanes(outcome.run), start, end, columns):
            console.print(line, markup=False, highlight=False)


def lanes(run: Run) -> list[Lane]:
    """A run's tasks as lanes of a timeline, the most urgent first.

    A task with steps on the CPU has a second lane for them.
    """
    found = []
    for index, task in sorted(enumerate(run.tasks), key=lambda pair: pair[1].priority):
        releases = [task.offset_ns + i * task.period_ns for i in range(task.releases)]
        served = {job.index for job in task.jobs if not job.late and job.outcome == "done"}
        found.append(
            Lane(
                task.name,
                [(s.start_ns, s.end_ns) for s in run.segments if s.task == index],
                releases,
                [r + task.deadline_ns for i, r in enumerate(releases) if i not in served],
            )
        )
        steps = [w for w in run.cpu if (w.task, w.kind) == (index, "step")]
        if steps:
            found.append(Lane(f"{task.name} CPU", [(w.start_ns, w.end_ns) for w in steps], ()))
    return found


def interesting_window(run: Run) -> tuple[int, int]:
    """Around the longest segment: where a short deadline is most at risk."""
    shortest = min(task.period_ns for task in run.tasks)
    longest = max(run.segments, key=lambda s: s.end_ns - s.start_ns, default=None)
    length = max(6 * shortest, 0)
    if longest is not None:
        length = max(length, 2 * (longest.end_ns - longest.start_ns))
    start = 0 if longest is None else max(longest.start_ns - shortest, 0)
    start -= start % shortest
    return start, start + min(length, run.duration_ns)
