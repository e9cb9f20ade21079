# SPDX-License-Identifier: Apache-2.0
"""A window of an emulated run as text: one line a task, one column a slice of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hocket_host.units import format_ns

#: Share of a column during which the unit worked for the task, in eighths.
_SHADES = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Lane:
    """One task's part of a timeline, all times in ns."""

    name: str
    busy: Sequence[tuple[int, int]]
    """Intervals of work on a unit, half open."""
    releases: Sequence[int]
    misses: Sequence[int] = ()
    """Deadlines that passed before their job was complete."""


def render(lanes: Sequence[Lane], start_ns: int, end_ns: int, columns: int = 72) -> list[str]:
    """Draw lanes between two instants.

    Two lines a lane: the unit's work in eighths of a column, and below it `·` for a release and
    `✗` for a missed deadline.

    Returns
    -------
    list of str
        Lines without line ends, the last one a time axis.
    """
    width = max(len(lane.name) for lane in lanes)
    lines = []
    for lane in lanes:
        work = [0] * columns
        for begin, finish in lane.busy:
            _share(work, begin - start_ns, finish - start_ns, end_ns - start_ns)
        bars = "".join(
            _SHADES[-(-8 * w // _width(i, end_ns - start_ns, columns))] for i, w in enumerate(work)
        )
        marks = [" "] * columns
        for instants, mark in ((lane.releases, "·"), (lane.misses, "✗")):
            for at in instants:
                if start_ns <= at < end_ns:
                    marks[(at - start_ns) * columns // (end_ns - start_ns)] = mark
        lines.append(f"{lane.name:>{width}} {bars}")
        lines.append(f"{'':>{width}} {''.join(marks)}".rstrip())
    left, right = format_ns(start_ns), format_ns(end_ns)
    lines.append(f"{'':>{width}} {left} {right.rjust(columns - len(left) - 1)}")
    return lines


def _edge(column: int, span: int, columns: int) -> int:
    return column * span // columns


def _width(column: int, span: int, columns: int) -> int:
    return max(_edge(column + 1, span, columns) - _edge(column, span, columns), 1)


def _share(work: list[int], begin: int, finish: int, span: int) -> None:
    """Add an interval, relative to the window's start, to the columns it covers."""
    columns = len(work)
    begin, finish = max(begin, 0), min(finish, span)
    column = begin * columns // span if begin < finish else columns
    while column < columns and _edge(column, span, columns) < finish:
        low, high = _edge(column, span, columns), _edge(column + 1, span, columns)
        work[column] += max(min(high, finish) - max(low, begin), 0)
        column += 1
