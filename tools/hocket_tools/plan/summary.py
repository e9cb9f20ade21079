# SPDX-License-Identifier: Apache-2.0
"""A proof as data, and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hocket_host.units import format_ns

from ..prove import Proof, TaskProof


def summary(
    proof: Proof,
    scale: Fraction,
    cycles: str,
    problems: Sequence[str] = (),
    advice: Sequence[str] = (),
) -> dict[str, Any]:
    """What was proved, as JSON has it; times in ns, shares in millionths.

    Parameters
    ----------
    proof
        Bounds of all tasks.
    scale
        Factor by which all execution times may grow.
    cycles
        Which NPU cycles were used.
    problems, advice
        What fails and what would help, in words.
    """
    return {
        "schedulable": proof.schedulable,
        "gave_up": proof.gave_up,
        "policy": proof.taskset.policy,
        "cycles": cycles,
        "npu_utilisation_ppm": _ppm(proof.npu_utilisation),
        "cpu_utilisation_ppm": _ppm(proof.cpu_utilisation),
        "largest_scale_ppm": _ppm(scale),
        "dispatch_ns": proof.taskset.dispatch_ns,
        "release_ns": proof.taskset.release_ns,
        "resume_ns": proof.taskset.resume_ns,
        "completion_ns": proof.taskset.completion_ns,
        "tasks": [_task(found) for found in proof.tasks],
        "problems": list(problems),
        "advice": list(advice),
    }


def _task(found: TaskProof) -> dict[str, Any]:
    task = found.task
    return {
        "name": task.name,
        "priority": task.priority,
        "execution_ns": found.own_ns,
        "period_ns": task.period_ns,
        "deadline_ns": task.deadline_ns,
        "segments": len(task.segments_ns),
        "longest_segment_ns": task.longest_segment_ns,
        "blocking_ns": found.blocking_ns,
        "cpu_blocking_ns": found.cpu_blocking_ns,
        "interference_ns": found.interference_ns,
        "bound_ns": found.bound_ns,
        "slack_ns": found.slack_ns,
        "overruns": found.overruns,
        "holds": found.holds,
        "parts": [asdict(part) for part in found.parts],
    }


_DEMAND = (
    ("C", "execution_ns"),
    ("T", "period_ns"),
    ("D", "deadline_ns"),
    ("segments", "segments"),
    ("longest", "longest_segment_ns"),
)
_PROOF = (
    ("blocking", "blocking_ns"),
    ("interference", "interference_ns"),
    ("bound", "bound_ns"),
    ("slack", "slack_ns"),
)
_WIDE = 110


def render(report: dict[str, Any], console: Console) -> None:
    """Write the table (two on a narrow console), the load, and what would help."""
    wide = console.width >= _WIDE
    for columns in (_DEMAND + _PROOF,) if wide else (_DEMAND, _PROOF):
        console.print(_table(report, columns))
    cycles = "worst-case" if report["cycles"] == "worst" else "nominal"
    console.print(
        f"NPU {_percent(report['npu_utilisation_ppm'])} and CPU "
        f"{_percent(report['cpu_utilisation_ppm'])} in use; {report['policy']}, {cycles} cycles",
        highlight=False,
    )
    scale = _decimal(report["largest_scale_ppm"])
    if report["schedulable"]:
        console.print(
            f"every deadline is proved, and would be with execution times {scale} times as long",
            highlight=False,
        )
        return
    for problem in report["problems"]:
        console.print(f"[bold red]✗[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if report["largest_scale_ppm"]:
        console.print(
            f"with these cuts, execution times would have to be {scale} times as long",
            highlight=False,
        )
    if report["advice"]:
        console.print("what would help:", highlight=False)
        for hint in report["advice"]:
            console.print(f"  · {hint}", markup=False, highlight=False, soft_wrap=True)


def _table(report: dict[str, Any], columns: tuple[tuple[str, str], ...]) -> Table:
    table = Table(box=None)
    table.add_column("task", no_wrap=True)
    for title, _ in columns:
        table.add_column(title, justify="right", no_wrap=True)
    proved = columns[-1] == _PROOF[-1]
    if proved:
        table.add_column("")
    for task in sorted(report["tasks"], key=lambda t: (t["priority"], t["deadline_ns"])):
        cells = [task["name"], *(_cell(task, key) for _, key in columns)]
        if proved:
            style, verdict = ("green", "holds") if task["holds"] else ("bold red", "may be missed")
            cells.append(f"[{style}]{verdict}[/]")
        table.add_row(*cells)
    return table


def _cell(task: dict[str, Any], key: str) -> str:
    value = task[key]
    if key == "segments":
        return str(value)
    if value is None:
        return "none"
    return f"-{format_ns(-value)}" if value < 0 else format_ns(value)


def _ppm(share: Fraction) -> int:
    return share.numerator * 1_000_000 // share.denominator


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm // 1_000 % 10} %"


def _decimal(ppm: int) -> str:
    return f"{ppm // 1_000_000}.{ppm // 10_000 % 100:02d}"
