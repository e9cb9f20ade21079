# SPDX-License-Identifier: Apache-2.0
"""The steps of a network in a container as times: segments and CPU steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from hocket_host.units import NS_PER_S, cycles_to_ns

from ..container import Step, StepKind

Cycles = Literal["worst", "nominal"]


_EXACT = 10_000
"""CPU steps of an operator that are timed one by one."""


@dataclass(frozen=True)
class CpuRun:
    """Operators that the CPU executes between two segments, or before the first or after the last.

    Each CPU step takes a resume besides; after each, a more urgent task may go first.
    """

    before: int
    """Number of the job's segments that precede it."""
    steps: tuple[tuple[int, int], ...]
    """Length of a CPU step in ns, without its resume, and how many of it follow; in order."""

    @property
    def total_ns(self) -> int:
        """All CPU steps, without resumes."""
        return sum(length * times for length, times in self.steps)

    @property
    def count(self) -> int:
        """Number of CPU steps."""
        return sum(times for _, times in self.steps)

    @property
    def longest_ns(self) -> int:
        """Longest CPU step, without its resume."""
        return max(length for length, _ in self.steps)


@dataclass(frozen=True)
class TimedSteps:
    """What a task's jobs take."""

    segments_ns: tuple[int, ...]
    least_ns: tuple[int, ...]
    cpu_runs: tuple[CpuRun, ...]


def timed(steps: Sequence[Step], npu_hz: int, cpu_hz: int, cycles: Cycles) -> TimedSteps:
    """Times of a network's steps.

    Parameters
    ----------
    steps
        Steps in order; cycles are those of the unit that executes each.
    npu_hz, cpu_hz
        The clocks.
    cycles
        Which of the two figures counts; a segment takes no less than the nominal one.
    """
    segments: list[int] = []
    least: list[int] = []
    runs: list[CpuRun] = []
    place = 0
    while place < len(steps):
        step = steps[place]
        if step.kind is StepKind.NPU:
            most = step.worst_cycles if cycles == "worst" else step.nominal_cycles
            segments.append(cycles_to_ns(most, npu_hz))
            least.append(min(step.nominal_cycles, most) * NS_PER_S // npu_hz)
            place += 1
            continue
        end = place
        while end < len(steps) and steps[end].kind is StepKind.CPU:
            end += 1
        lengths = _cpu_steps(steps[place:end], cpu_hz, cycles)
        equal = tuple(
            (ns, sum(times for _, times in same)) for ns, same in groupby(lengths, itemgetter(0))
        )
        runs.append(CpuRun(len(segments), equal))
        place = end
    return TimedSteps(tuple(segments), tuple(least), tuple(runs))


def _cpu_steps(steps: Sequence[Step], cpu_hz: int, cycles: Cycles) -> Iterator[tuple[int, int]]:
    """CPU time between two resumes, of operators that follow one another, and how often it comes.

    Every CPU step takes as long as the longest one, until all that the operator takes is used up;
    the last one takes what is left.
    """
    carried = 0
    for step in steps:
        program = step.program
        assert program is not None
        whole = step.worst_cycles if cycles == "worst" else step.nominal_cycles
        each = program.step_cycles
        full = min(whole // each if each else program.steps, program.steps - 1)
        # Beyond these, the nanosecond by which clocks make them differ is no longer looked at.
        exact = min(full, _EXACT)
        spent = 0
        for _ in range(exact):
            yield carried + cycles_to_ns(spent + each, cpu_hz) - cycles_to_ns(spent, cpu_hz), 1
            carried, spent = 0, spent + each
        if full > exact:
            yield carried + cycles_to_ns(each, cpu_hz), full - exact
            carried, spent = 0, full * each
        if full < program.steps - 1:
            yield carried + cycles_to_ns(whole, cpu_hz) - cycles_to_ns(spent, cpu_hz), 1
            carried, spent = 0, whole
        if full < program.steps - 2:
            yield 0, program.steps - 2 - full
        carried += cycles_to_ns(whole, cpu_hz) - cycles_to_ns(spent, cpu_hz)
        if not program.runs_on:
            yield carried, 1
            carried = 0
    if carried:
        yield carried, 1
