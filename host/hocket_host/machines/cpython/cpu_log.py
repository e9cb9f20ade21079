# SPDX-License-Identifier: Apache-2.0
"""When the emulated CPU worked, at what and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from ..hosted import HostedBoard
from ..results import CpuKind, CpuWork


class CpuLog:
    """Lets the CPU work, and keeps when it did; for whom is known only afterwards."""

    def __init__(self, machine: HostedBoard, start_ns: int) -> None:
        self._machine = machine
        self._start_ns = start_ns
        self._stretches: list[tuple[int | None, CpuKind, int, int, int | None]] = []
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
        self._machine.advance(ns)
        self._note()
        self._working = interrupted

    def _note(self) -> None:
        """Keep what was done since the last change."""
        now_ns = self._machine.now_ns()
        if self._working is not None and now_ns > self._since_ns:
            self._unassigned[self._working].append(len(self._stretches))
            self._stretches.append((None, self._working, self._since_ns, now_ns, None))
        self._since_ns = now_ns

    def assign(self, kind: CpuKind, task: int, step: int | None = None) -> None:
        """Say whose the last work of a kind was."""
        for index in self._unassigned[kind]:
            _, _, start, end, _ = self._stretches[index]
            self._stretches[index] = (task, kind, start, end, step)
        self._unassigned[kind].clear()

    def known(self) -> Iterator[CpuWork]:
        """Work whose task is known: not what the end of the run cut off."""
        for task, kind, start, end, step in self._stretches:
            if task is not None:
                yield CpuWork(task, kind, start - self._start_ns, end - self._start_ns, step)
