# SPDX-License-Identifier: Apache-2.0
"""Trials of many mutants, several at once, each in a copy of the checkout of its own."""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from hocket_host.errors import HocketError

from ..progress import Report, silent
from . import tree, trial
from .known import Past, equivalents
from .mutant import Mutant, draw
from .results import Result, figures
from .rooms import Room
from .trial import Verdict

_copy: Path


class BrokenError(HocketError):
    """A room's tests fail though nothing is broken."""


@dataclass
class Tests:
    """The tests of a room, and what is known of them."""

    files: list[str]
    seconds: dict[str, float]
    """What each takes if nothing is broken."""
    kills: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By source, which tests noticed."""

    def order(self, mutant: Mutant) -> dict[str, float]:
        """First those that noticed before, then those of the source's name, then the quickest."""
        stem = Path(mutant.file).stem.strip("_")
        order = {}
        for name, seconds in self.seconds.items():
            named = stem in name.partition("::")[0] and seconds < 1
            order[name] = seconds - 10 * named - 1000 * self.kills[mutant.file][name]
        return order


class Campaign:
    """Mutants that were drawn, and what is known of them.

    Parameters
    ----------
    root
        The checkout.
    rooms
        Where mutants are drawn from.
    sample
        How many; None for all.
    seed
        Of the draw.
    fresh
        Forget how earlier trials ended.
    """

    def __init__(
        self, root: Path, rooms: Sequence[Room], sample: int | None, seed: int, *, fresh: bool
    ) -> None:
        self._root = root
        self._work = root / "build" / "mutants"
        self._seed = seed
        self._judged = equivalents(root)
        self._rooms = {room.name: room for room in rooms}
        self._past = Past(root, self._work / "verdicts.json", self._rooms, fresh=fresh)
        self.mutants = draw(rooms, root, sample, seed)

    def figures(self, results: Sequence[Result]) -> dict[str, Any]:
        """What was found, as plain values."""
        return {**figures(results), "drawn": len(self.mutants), "seed": self._seed}

    def run(self, jobs: int, budget_s: float | None, report: Report = silent) -> list[Result]:
        """Try each mutant, unless it is known how it ends.

        Parameters
        ----------
        jobs
            Trials at once.
        budget_s
            Seconds after which no more are begun; None for no limit.
        report
            Called as trials go on.

        Raises
        ------
        BrokenError
            Tests fail though nothing is broken.
        """
        known = {mutant: self._past.verdict(mutant) for mutant in self.mutants}
        found = {mutant: verdict for mutant, verdict in known.items() if verdict is not None}
        left = [mutant for mutant, verdict in known.items() if verdict is None]
        for mutant, verdict in self._try(left, jobs, budget_s, report) if left else ():
            self._past.add(mutant, verdict)
            found[mutant] = verdict
            alive = sum(not verdict.killer for verdict in found.values())
            report(f"{alive} survive; {mutant.file}:{mutant.line}", len(found), len(known))
        return [Result(m, found[m], self._judged.get(m.lines)) for m in self.mutants if m in found]

    def _try(
        self, left: list[Mutant], jobs: int, budget_s: float | None, report: Report
    ) -> Iterator[tuple[Mutant, Verdict]]:
        started = monotonic()
        context = multiprocessing.get_context("spawn")
        numbers = context.SimpleQueue()
        for number in range(jobs):
            tree.copy(self._root, self._work / f"tree{number}")
            numbers.put(number)
        with ProcessPoolExecutor(jobs, context, _begin, (self._work, numbers)) as pool:
            tests = self._unbroken(pool, {mutant.room for mutant in left}, report)
            running: dict[Future[Verdict], Mutant] = {}
            while left or running:
                if budget_s is not None and monotonic() - started > budget_s:
                    left.clear()
                while left and len(running) < jobs:
                    mutant = left.pop(0)
                    room = tests[mutant.room]
                    task = pool.submit(_one, mutant, room.files, room.order(mutant), room.seconds)
                    running[task] = mutant
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for task in done:
                    mutant, verdict = running.pop(task), task.result()
                    if verdict.killer:
                        tests[mutant.room].kills[mutant.file][verdict.killer] += 1
                    yield mutant, verdict

    def _unbroken(
        self, pool: ProcessPoolExecutor, names: set[str], report: Report
    ) -> dict[str, Tests]:
        """The tests of rooms, each tried once with nothing broken."""
        found = {}
        tasks: dict[tuple[str, ...], Future[Verdict]] = {}
        for room in (self._rooms[name] for name in sorted(names)):
            files = [
                file.relative_to(self._root).as_posix() for file in room.test_files(self._root)
            ]
            found[room.name] = Tests(files, self._past.unbroken(room) or {})
            if not found[room.name].seconds and tuple(files) not in tasks:
                tasks[tuple(files)] = pool.submit(_one, None, files, {}, {})
        for name, tests in found.items():
            if tests.seconds:
                continue
            report(f"tests of {name}, unbroken")
            verdict = tasks[tuple(tests.files)].result()
            if verdict.how != "passed":
                raise BrokenError(
                    f"the tests of {name} fail though nothing is broken",
                    where=verdict.killer, found=verdict.how,
                    expected="tests that pass in a copy of the checkout",
                    try_=f"python -m pytest {' '.join(tests.files)}",
                )  # fmt: skip
            tests.seconds = dict(verdict.seconds)
            self._past.add_unbroken(self._rooms[name], tests.seconds)
        return found


# In the processes of the pool ---------------------------------------------------------------------


def _begin(work: Path, numbers: Any) -> None:
    global _copy  # noqa: PLW0603 - one a process, which its initializer sets
    _copy = (work / f"tree{numbers.get()}").resolve()
    trial.prepare()


def _one(
    mutant: Mutant | None, files: Sequence[str], order: dict[str, float], usual: dict[str, float]
) -> Verdict:
    if mutant is None:
        return trial.run(_copy, files, order, usual)
    with tree.broken(_copy / mutant.file, mutant.text):
        return trial.run(_copy, files, order, usual)
