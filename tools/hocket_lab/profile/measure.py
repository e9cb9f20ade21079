# SPDX-License-Identifier: Apache-2.0
"""Measures operators on the ARM image, and fits the costs of their units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hocket_tools.cpu.costs import STEP, Costs, Spent, Work, using
from hocket_tools.cpu.packing import MODULES

from ..cpu.arm import run_on_arm
from ..cpu.cases import Comparison, Refused, compare, comparisons
from ..cpu.check import run_on_micropython
from ..exact.cases.drawn import drawn_case
from ..progress import Report, silent
from .fit import fit

_BATCH = 60
#: Added to each step: names are looked up at more cost when something else ran before.
_COLD_CYCLES = 400


@dataclass(frozen=True)
class Measured:
    """One case by one primitive."""

    case: str
    kind: str
    primitive: str
    spent: Spent
    cycles: int
    """Of an inference, the greatest of some."""
    step_cycles: int
    """Of the longest step."""
    every_step_cycles: tuple[int, ...]
    """Of the first steps of one inference."""
    host_ns: int | None = None
    """Of an inference on MicroPython on this machine, the least of some."""


def measure(
    elf: Path,
    pattern: str = "",
    *,
    drawn: int = 0,
    costs: Costs | None = None,
    host: bool = False,
    report: Report = silent,
) -> list[Measured]:
    """Measure every case whose id holds `pattern`, by every primitive.

    Parameters
    ----------
    elf
        The firmware image.
    pattern
        Part of a case's id.
    drawn
        How many cases drawn at random are added, whose ids hold `pattern`, too.
    costs
        With which operators are packed, hence cut into steps; by default the board's.
    host
        Also time them on MicroPython on this machine.
    report
        Told of each batch.

    Raises
    ------
    HocketError
        The image or the emulator is missing, or an operator failed.
    """
    ways = [way for way in _ways(pattern, drawn, costs) if way.packed.spent is not None]
    jobs = [way.shorter_job for way in ways]
    found: list[Measured] = []
    for at in range(0, len(jobs), _BATCH):
        report("cases", at, len(jobs))
        batch = jobs[at : at + _BATCH]
        times: list[int | None] = [None] * len(batch)
        if host:
            times = [result["ns"] for result in run_on_micropython(batch)]
        for way, result, ns in zip(ways[at:], run_on_arm(batch, elf), times, strict=False):
            assert way.packed.spent is not None
            found.append(
                Measured(
                    case=way.case.id,
                    kind=way.source.kind,
                    primitive=way.packed.primitive,
                    spent=way.packed.spent,
                    cycles=result["cycles"],
                    step_cycles=result["step_cycles"],
                    every_step_cycles=tuple(result["every_step_cycles"]),
                    host_ns=ns,
                )
            )
    return found


def measure_and_fit(
    elf: Path,
    pattern: str,
    costs: Costs,
    *,
    drawn: int,
    passes: int,
    host: bool = False,
    report: Report = silent,
) -> tuple[list[Measured], Costs]:
    """Measure, fit, and measure again with the steps that the new costs give.

    Parameters
    ----------
    elf, pattern, drawn, host, report
        As of `measure`; the host is timed in the last pass alone.
    costs
        Of the first pass; units that are not measured keep theirs.
    passes
        How often.

    Returns
    -------
    tuple
        What the last pass measured, and costs that bound what all passes measured.
    """
    every: list[Measured] = []
    last: list[Measured] = []
    for number in range(1, passes + 1):

        def told(text: str, done: int = 0, total: int | None = None, number: int = number) -> None:
            report(f"pass {number}: {text}", done, total)

        timed = host and number == passes
        last = measure(elf, pattern, drawn=drawn, costs=costs, host=timed, report=told)
        every += last
        costs = costs_from(every, costs)
    return last, costs


def _ways(pattern: str, drawn: int, costs: Costs | None) -> list[Comparison]:
    if costs is None:
        return [*comparisons(pattern), *_drawn(pattern, drawn)]
    with using(costs):
        return [*comparisons(pattern), *_drawn(pattern, drawn)]


def _drawn(pattern: str, most: int) -> Iterator[Comparison]:
    for number in range(most):
        case = drawn_case(number)
        found = compare(case) if pattern in case.id else []
        if not isinstance(found, Refused):
            yield from found


def costs_from(measured: Sequence[Measured], before: Costs) -> Costs:
    """Fit the units of every module that was measured; the others keep their costs."""
    rows: list[tuple[Work, int]] = []
    for one in measured:
        rows.append((one.spent.total, one.cycles))
        at = 0
        for work, steps in one.spent.phases:
            taken = one.every_step_cycles[at : at + steps]
            at += steps
            if taken:
                rows.append((work, max(taken)))
        if not one.spent.phases:
            rows.append((one.spent.longest[0], one.step_cycles))
    cycles = dict(before.cycles)
    for found in _together(rows):
        fitted = fit([work.counts for work, _ in found], [taken for _, taken in found])
        for unit in fitted:
            if unit.endswith(f".{STEP}"):
                fitted[unit] += _COLD_CYCLES
        cycles.update(fitted)
    return Costs(before.path, {unit: cycles[unit] for unit in sorted(cycles, key=_order)})


def _together(rows: Sequence[tuple[Work, int]]) -> list[list[tuple[Work, int]]]:
    """Rows by groups that share no unit."""
    groups: list[tuple[set[str], list[tuple[Work, int]]]] = []
    for row in rows:
        units = {name for name, n in row[0].counts.items() if n}
        members = [row]
        apart = []
        for group in groups:
            if group[0] & units:
                units |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (units, members)]
    return [members for _, members in groups]


def _order(unit: str) -> tuple[int, bool, str]:
    module, _, name = unit.partition(".")
    return MODULES.index(module), name != STEP, name
