# SPDX-License-Identifier: Apache-2.0
"""The steps of a network in a container as times: segments and CPU steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from hocket_host.units import NS_PER_S, cycles_to_ns

from ..container import Step, StepKind

Cycles = Literal["worst", "nominal"]


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
        equal = tuple((ns, sum(1 for _ in same)) for ns, same in groupby(lengths))
        runs.append(CpuRun(len(segments), equal))
        place = end
    return TimedSteps(tuple(segments), tuple(least), tuple(runs))


def _cpu_steps(steps: Sequence[Step], cpu_hz: int, cycles: Cycles) -> Iterator[int]:
    """CPU time between two resumes, of operators that follow one another.

    Every CPU step takes as long as the longest one, until all that the operator takes is used up;
    the last one takes what is left.
    """
    carried = 0
    for step in steps:
        program = step.program
        assert program is not None
        whole = step.worst_cycles if cycles == "worst" else step.nominal_cycles
        spent = 0
        for index in range(program.steps):
            final = index == program.steps - 1
            after = whole if final else min(spent + program.step_cycles, whole)
            carried += cycles_to_ns(after, cpu_hz) - cycles_to_ns(spent, cpu_hz)
            spent = after
            if not (final and program.runs_on):
                yield carried
                carried = 0
    if carried:
        yield carried
