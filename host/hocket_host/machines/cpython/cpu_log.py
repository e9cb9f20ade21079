# SPDX-License-Identifier: Apache-2.0
"""When the emulated processor worked, at what and for whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .soc import Soc

CpuKind = Literal["dispatch", "release", "resume", "step", "body"]
"""Start of the next segment; release of a job; resume of a coroutine; a piece of a step of the
network; a task's own declared time with the completion of its job."""


@dataclass(frozen=True)
class CpuWork:
    """Time of the processor without interruption: what an interrupt cuts in two is two of these."""

    task: int
    kind: CpuKind
    start_ns: int
    end_ns: int
    step: int | None = None
    """Of a step of the network: its index there."""


class CpuLog:
    """Lets the processor work, and keeps when it did; for whom is known only afterwards."""

    def __init__(self, soc: Soc, start_ns: int) -> None:
        self._soc = soc
        self._start_ns = start_ns
        self._pieces: list[tuple[int | None, CpuKind, int, int, int | None]] = []
        self._unassigned: dict[CpuKind, list[int]] = {
            "dispatch": [], "release": [], "resume": [], "step": [], "body": [],
        }  # fmt: skip
        self._working: CpuKind | None = None
        self._since_ns = 0

    def work(self, kind: CpuKind, ns: int) -> None:
        """Advance the clock; what is interrupted by it continues after it."""
        interrupted = self._working
        self._note()
        self._working = kind
        self._soc.advance(ns)
        self._note()
        self._working = interrupted

    def _note(self) -> None:
        """Keep what was done since the last change."""
        now_ns = self._soc.now_ns()
        if self._working is not None and now_ns > self._since_ns:
            self._unassigned[self._working].append(len(self._pieces))
            self._pieces.append((None, self._working, self._since_ns, now_ns, None))
        self._since_ns = now_ns

    def assign(self, kind: CpuKind, task: int, step: int | None = None) -> None:
        """Say whose the last work of a kind was."""
        for index in self._unassigned[kind]:
            _, _, start, end, _ = self._pieces[index]
            self._pieces[index] = (task, kind, start, end, step)
        self._unassigned[kind].clear()

    def known(self) -> Iterator[CpuWork]:
        """Work whose task is known: not what the end of the run cut off."""
        for task, kind, start, end, step in self._pieces:
            if task is not None:
                yield CpuWork(task, kind, start - self._start_ns, end - self._start_ns, step)
