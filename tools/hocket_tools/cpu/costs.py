# SPDX-License-Identifier: Apache-2.0
"""What operators cost on a board: linear in what they do, with measured cycles for each unit.

A unit is named by the module of ``hocket.ops`` and what is done, such as ``dense.product``; every
module has a ``step``, spent once a call. The figures lie in ``costs.toml`` beside a board's
``board.py`` and are written by ``hocket profile``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hocket_host.board import board as boards
from hocket_host.errors import HocketError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Cycles that one step of an operator may take: 1 ms at 32 MHz.
STEP_CYCLES = 32_000

#: Board whose costs count unless another's are asked for.
BOARD = "corstone300"

STEP = "step"


class CostError(HocketError):
    """A board without costs, or with costs that lack a unit."""


@dataclass(frozen=True)
class Costs:
    """Cycles of each unit on a board."""

    path: Path
    cycles: Mapping[str, int]

    def __getitem__(self, unit: str) -> int:
        """Cycles of one unit.

        Raises
        ------
        CostError
            It was not measured.
        """
        found = self.cycles.get(unit)
        if found is None:
            raise CostError(
                "an operator whose cost was not measured", where=self.path, found=f"no {unit}",
                expected="cycles of each unit", try_="hocket profile",
            )  # fmt: skip
        return found


def path_of(board: str | Path = BOARD) -> Path:
    """The file of a board's costs."""
    return boards.load(board).path.parent / "costs.toml"


@cache
def load(path: Path) -> Costs:
    """Read a board's costs.

    Raises
    ------
    CostError
        There are none, or they are no table of integers.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CostError(
            "costs cannot be read", where=path, found=str(error), expected="a table a module",
            try_="hocket profile",
        ) from error  # fmt: skip
    cycles = {}
    for module, units in tables.items():
        for unit, value in units.items() if isinstance(units, dict) else ((module, units),):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise CostError(
                    "a cost that is no number of cycles", where=path, found=f"{unit} = {value!r}",
                    expected="an integer",
                )  # fmt: skip
            cycles[f"{module}.{unit}"] = value
    return Costs(path, cycles)


_current: ContextVar[Costs | None] = ContextVar("costs", default=None)


def current() -> Costs:
    """The costs that packing counts with."""
    return _current.get() or load(path_of())


@contextmanager
def using(costs: Costs) -> Iterator[None]:
    """Pack with the costs of another board."""
    token = _current.set(costs)
    try:
        yield
    finally:
        _current.reset(token)


@dataclass(frozen=True)
class Work:
    """How often units are done."""

    module: str
    """Whose steps they are done in."""
    counts: Mapping[str, int]
    """By the full name, as several modules use the same products."""

    def __add__(self, other: Work) -> Work:
        """Both, one after the other."""
        names = {**self.counts, **other.counts}
        return Work(self.module, {n: self.counts.get(n, 0) + other.counts.get(n, 0) for n in names})

    def __mul__(self, times: int) -> Work:
        """So many times."""
        return Work(self.module, {name: count * times for name, count in self.counts.items()})

    @property
    def cycles(self) -> int:
        """CPU cycles by the current costs."""
        costs = current()
        return sum(costs[name] * n for name, n in self.counts.items() if n)


def work(module: str, /, **counts: int) -> Work:
    """Units of a module, or others by their full names."""
    return Work(module, {n if "." in n else f"{module}.{n}": k for n, k in counts.items()})


def chunk_of(item: Work, most: int, fixed: Work | None = None) -> int:
    """Items that a step may do beside what is fixed; one at least, however long it takes."""
    step = work(item.module, step=1) + (fixed or work(item.module))
    return max(1, min(most, (STEP_CYCLES - step.cycles) // max(item.cycles, 1)))


@dataclass(frozen=True)
class Spent:
    """What an operator packed for some steps costs."""

    steps: int
    longest: tuple[Work, ...]
    """Candidates for the longest step."""
    total: Work
    phases: tuple[tuple[Work, int], ...] = ()
    """What each of the first steps does at most, and how many are alike, where that differs."""

    @property
    def step_cycles(self) -> int:
        """Cycles of the longest step."""
        return max(w.cycles for w in self.longest)

    @property
    def cycles(self) -> int:
        """Cycles of an inference."""
        return self.total.cycles


def spent(steps: int, longest: Work, total: Work, phases: Sequence[tuple[Work, int]] = ()) -> Spent:
    """Add the steps themselves to what they do.

    Parameters
    ----------
    steps
        How many calls of ``step`` one inference takes.
    longest
        What the longest step does, unless it is one of the phases.
    total
        What all steps together do.
    phases
        Of steps that do different things, in order: what a step does at most, and how many such
        steps follow each other at first.
    """
    one = work(total.module, step=1)
    first = tuple((w + one, n) for w, n in phases)
    return Spent(steps, (longest + one, *(w for w, _ in first)), total + one * steps, first)
