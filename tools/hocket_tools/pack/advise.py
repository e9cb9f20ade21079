# SPDX-License-Identifier: Apache-2.0
"""What would help an application whose deadlines are not all proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hocket_host.units import cycles_to_ns, format_ns

from ..plan import CutPlan, advice
from ..plan.advice import SEARCH, clock_hint, least_hz
from ..prove import TaskProof, Work
from .compile import compile_networks
from .cut import planner_of
from .place import PlacedNetwork, place_operators
from .primitives import Choice
from .target import Target

_LAYERS = 3
"""Operators that are named, the costliest first."""
_SHARE = 20
"""An operator is named that takes more of the CPU than the deadline over this."""


def advise(target: Target) -> list[str]:
    """What would help, in words; empty if every deadline is proved."""
    placed = place_operators(target, compile_networks(target))
    planner = planner_of(target, placed)
    work = Work(SEARCH)
    found = planner.plan(work=work)
    if found.obstacle is None:
        return []
    failing = found.proof.tasks[found.obstacle.task]
    hints = [*costly_operators(target, placed, failing), *_other_figures(target, placed, work)]
    if _on_cpu_ns(failing) * 2 > failing.own_ns or found.proof.cpu_utilisation >= 1:
        hints += _faster_cpu(target, placed, work)
    return [*hints, *advice(planner, found, work, target.application.npu.clock is None)]


def costly_operators(
    target: Target, placed: Mapping[str, PlacedNetwork], failing: TaskProof
) -> Iterator[str]:
    """Operators on the CPU that take the most of a deadline, of its task or of others before it."""
    name = failing.task.name
    delaying = {part.what for part in failing.parts if part.kind == "interference"} | {name}
    found = [
        (choice.packed.cycles, task, choice)
        for task, network in placed.items()
        if task in delaying
        for choice in network.choices
    ]
    found.sort(key=lambda item: -item[0])
    for cycles, task, choice in found[:_LAYERS]:
        ns = cycles_to_ns(cycles, target.cpu_hz)
        if ns * _SHARE > failing.task.deadline_ns:
            source = choice.operator.source
            yield (
                f"{source.kind} of {task}, {choice.operator.name.split(';')[0]}, takes "
                f"{_cycles(cycles)} cycles of the CPU, {format_ns(ns)}: {_remedy(choice)}"
            )


def _remedy(choice: Choice) -> str:
    operator = choice.operator
    if operator.chosen:
        return "leave it out of on-cpu"
    floats = [str(t.dtype).startswith("float") for t in operator.source.inputs if t is not None]
    if operator.source.kind == "QUANTIZE" and any(floats):
        return "give the model an int8 input"
    if operator.source.kind == "DEQUANTIZE":
        return "give the model an int8 output"
    return "more sram for the task may allow a faster primitive (hocket inspect --primitives)"


def _other_figures(
    target: Target, placed: Mapping[str, PlacedNetwork], work: Work
) -> Iterator[str]:
    if target.application.schedule.cycles == "worst":
        found = planner_of(target, placed, cycles="nominal").plan(work=work)
        if found.obstacle is None:
            yield 'cycles = "nominal": every deadline holds as long as no segment takes longer'


def _faster_cpu(target: Target, placed: Mapping[str, PlacedNetwork], work: Work) -> Iterator[str]:
    cycles = target.application.schedule.cycles

    def plan(hz: int) -> CutPlan:
        return planner_of(replace(target, cpu_hz=hz), placed, cycles=cycles).plan(work=work)

    hz = least_hz(target.cpu_hz, lambda hz: plan(hz).obstacle is None)
    if hz is not None:
        default = target.application.board.cpu_clock is None
        yield f"a faster CPU: {clock_hint('board', 'cpu-clock', hz, target.cpu_hz, default)}"


def _on_cpu_ns(found: TaskProof) -> int:
    return sum(p.ns for p in found.parts if p.kind == "own" and p.unit == "CPU")


def _cycles(cycles: int) -> str:
    if cycles >= 10**6:
        return f"{cycles // 10**6}.{cycles // 10**5 % 10} M"
    return f"{cycles:,}"
