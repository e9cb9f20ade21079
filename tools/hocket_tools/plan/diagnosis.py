# SPDX-License-Identifier: Apache-2.0
"""Which deadlines are not proved, by how much, and what their bounds are made of."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from hocket_host.units import format_ns

from ..prove import Proof, TaskModel, TaskProof
from ..prove.parts import BoundPart

_OWN = {
    ("NPU", "segments"): "on the NPU",
    ("NPU", "dispatches"): "of dispatches",
    ("CPU", "operators"): "of operators on the CPU",
    ("CPU", "cpu"): "of its body",
    ("CPU", "resumes"): "of the kernel",
}


def diagnosis(proof: Proof) -> Iterator[str]:
    """Which deadlines are not proved, by how much and why."""
    if proof.gave_up:
        yield "the analysis took too many steps and was given up: bounds may be missing or too long"
    for resource, load in (("NPU", proof.npu_utilisation), ("CPU", proof.cpu_utilisation)):
        if load >= 1:
            yield f"the {resource} is asked for {_percent(load)} of its time"
    for found in proof.tasks:
        if not found.holds:
            yield f"{_verdict(found)}; {composition(proof, found)}"


def composition(proof: Proof, found: TaskProof) -> str:
    """What a bound is made of, in words."""
    own = [part for part in found.parts if part.kind == "own"]
    others = [part for part in found.parts if part.kind in ("blocking", "interference")]
    kernel = sum(part.ns for part in found.parts if part.kind == "kernel")
    listed = ", ".join(f"{format_ns(part.ns)} {_OWN[part.unit, part.what]}" for part in own)
    said = [f"its own work is {format_ns(found.own_ns)} ({listed})"]
    tasks = {task.name: task for task in proof.taskset.tasks}
    said += [_delay(part, tasks[part.what]) for part in others]
    if kernel:
        said.append(f"{format_ns(kernel)} are dispatches, releases and ticks")
    return ", ".join(said)


def _verdict(found: TaskProof) -> str:
    name, deadline = found.task.name, format_ns(found.task.deadline_ns)
    if found.bound_ns is None:
        return f"{name}: no bound on its response was found; up to its deadline of {deadline}"
    if found.slack_ns is not None and found.slack_ns < 0:
        over, bound = format_ns(-found.slack_ns), format_ns(found.bound_ns)
        return f"{name} may take {bound}, {over} beyond its deadline of {deadline}"
    return (
        f"{name} may be unfinished at its next release, after "
        f"{format_ns(found.task.period_ns)}: that release would be lost"
    )


def _delay(part: BoundPart, whose: TaskModel) -> str:
    if part.kind == "interference":
        return f"{part.what} takes {format_ns(part.ns)} of the {part.unit}"
    if not part.times:
        return f"{part.what} blocks the {part.unit} for {format_ns(part.ns)}"
    stretch = "CPU step"
    if part.unit == "NPU":
        index = whose.segments_ns.index(part.longest_ns) + 1
        stretch = f"segment ({index} of {len(whose.segments_ns)})"
    if part.times > 1:
        longest = f", the longest a {stretch} of {format_ns(part.longest_ns)}"
        stretch = f"{part.times} {'segments' if part.unit == 'NPU' else 'CPU steps'}"
        return f"{stretch} of {part.what} block it for {format_ns(part.ns)}{longest}"
    return f"a {stretch} of {part.what} blocks it for {format_ns(part.ns)}"


def _percent(share: Fraction) -> str:
    return f"{share.numerator * 100 // share.denominator} %"
