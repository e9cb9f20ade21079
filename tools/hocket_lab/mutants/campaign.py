# SPDX-License-Identifier: Apache-2.0
"""Trials of many mutants, several at once, each in a copy of the checkout of its own."""

from __future__ import annotations

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from hocket_host.errors import HocketError

from . import tree, trial
from .known import Past
from .mutant import Mutant
from .rooms import BY_NAME, Room
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


def run(
    root: Path,
    work: Path,
    mutants: Sequence[Mutant],
    past: Past,
    *,
    jobs: int,
    budget_s: float | None,
    report: Callable[[Mutant | Room, Verdict], None],
) -> Iterator[tuple[Mutant, Verdict]]:
    """Try each mutant; those of before come first.

    Parameters
    ----------
    root
        The checkout.
    work
        Folder for its copies.
    mutants
        What to try.
    past
        Verdicts of before; gets the new ones.
    jobs
        Trials at once.
    budget_s
        Seconds after which no more are begun; None for no limit.
    report
        Called after each trial, of a mutant or of a room unbroken.

    Raises
    ------
    BrokenError
        Tests fail though nothing is broken.
    """
    left = []
    for mutant in mutants:
        verdict = past.verdict(mutant)
        if verdict is None:
            left.append(mutant)
        else:
            report(mutant, verdict)
            yield mutant, verdict
    if not left:
        return
    started = monotonic()
    context = multiprocessing.get_context("spawn")
    numbers = context.SimpleQueue()
    for number in range(jobs):
        tree.copy(root, work / f"tree{number}")
        numbers.put(number)
    with ProcessPoolExecutor(jobs, context, _begin, (work, numbers)) as pool:
        tests = _unbroken(pool, root, {mutant.room for mutant in left}, report)
        running: dict[Future[Verdict], Mutant] = {}
        while left or running:
            late = budget_s is not None and monotonic() - started > budget_s
            if late:
                left.clear()
            while left and len(running) < jobs:
                mutant = left.pop(0)
                room = tests[mutant.room]
                order = room.order(mutant)
                task = pool.submit(_try, mutant, room.files, order, room.seconds)
                running[task] = mutant
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for task in done:
                mutant, verdict = running.pop(task), task.result()
                if verdict.killer:
                    tests[mutant.room].kills[mutant.file][verdict.killer] += 1
                past.add(mutant, verdict)
                report(mutant, verdict)
                yield mutant, verdict


def _unbroken(
    pool: ProcessPoolExecutor,
    root: Path,
    names: set[str],
    report: Callable[[Mutant | Room, Verdict], None],
) -> dict[str, Tests]:
    """What each test of the rooms takes."""
    tasks: dict[tuple[str, ...], Future[Verdict]] = {}
    rooms = [BY_NAME[name] for name in sorted(names)]
    files = {r.name: [f.relative_to(root).as_posix() for f in r.test_files(root)] for r in rooms}
    for room in rooms:
        key = tuple(files[room.name])
        if key not in tasks:
            tasks[key] = pool.submit(_try, None, files[room.name], {}, {})
    found = {}
    for room in rooms:
        verdict = tasks[tuple(files[room.name])].result()
        if verdict.how != "passed":
            raise BrokenError(
                f"the tests of {room.name} fail though nothing is broken",
                where=verdict.killer, found=verdict.how,
                expected="tests that pass in a copy of the checkout",
                try_=f"python -m pytest {' '.join(files[room.name])}",
            )  # fmt: skip
        report(room, verdict)
        found[room.name] = Tests(files[room.name], dict(verdict.seconds))
    return found


# In the processes of the pool ---------------------------------------------------------------------


def _begin(work: Path, numbers: Any) -> None:
    global _copy  # noqa: PLW0603 - one a process, which its initializer sets
    _copy = (work / f"tree{numbers.get()}").resolve()
    trial.prepare()


def _try(
    mutant: Mutant | None, files: Sequence[str], order: dict[str, float], usual: dict[str, float]
) -> Verdict:
    if mutant is None:
        return trial.run(_copy, files, order, usual)
    with tree.broken(_copy / mutant.file, mutant.text):
        return trial.run(_copy, files, order, usual)
