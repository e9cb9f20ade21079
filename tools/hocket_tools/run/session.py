# SPDX-License-Identifier: Apache-2.0
"""A container's jobs on an ARM image: real inputs in, outputs out, and how fast it went."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from hocket_host.board import board as boards
from hocket_host.ethosu.device.engine import RunEvent
from hocket_host.machines.common import JobWatcher, NpuRun, WatchedJob
from hocket_host.machines.cpython.emulation import OnJob

from ..app.inputs import open_inputs
from ..pack.packed import Packed
from .machines import Guest, Machine, create

_STEP_NS = 10_000_000


@dataclass(frozen=True)
class WatchedRun:
    """What a run on a back end came to."""

    back_end: str
    virtual_ns: int
    wall_s: float
    """Seconds of the host, for speed only; nothing depends on it."""
    instructions: int | None
    """Of the guest; None where the back end does not count them."""
    completed: dict[str, int]
    """Completed jobs by task."""
    npu_runs: int
    """Runs of the NPU that ended regularly."""
    segments: tuple[NpuRun, ...]
    """What the NPU ran to a regular end, in that order."""
    exit_code: int | None
    """What the image ended with by semihosting; None if it goes on."""
    problems: tuple[str, ...]
    """Misuse of the NPU, and faults of the CPU."""

    @property
    def guest_mips(self) -> float | None:
        """Million guest instructions a second of the host, the NPU's model included."""
        if self.instructions is None or not self.wall_s:
            return None
        return self.instructions / self.wall_s / 1e6


class Session:
    """An image with an application on one back end; a context manager.

    Parameters
    ----------
    back_end
        ``unicorn`` or ``qemu``.
    guest
        Image, container and accelerator.
    uart_output
        Called with what the first UART sends.
    packed
        The application, whose inputs are fed; without it the networks see what their arenas
        hold.
    on_job
        Called with task, inputs and outputs of each completed job.
    gdb
        As of `create`.

    Raises
    ------
    HocketError
        As of `create`; or an input does not give what its network takes.
    ValueError
        The device's reader refuses the container.
    """

    def __init__(
        self,
        back_end: str,
        guest: Guest,
        uart_output: Callable[[bytes], None],
        *,
        packed: Packed | None = None,
        on_job: OnJob | None = None,
        gdb: str | None = None,
    ) -> None:
        self.back_end = back_end
        self.machine: Machine = create(back_end, guest, uart_output, gdb=gdb)
        self._runs = 0
        if self.machine.npu is not None:
            self.machine.npu.observers.append(self._count)
        self._watcher: JobWatcher | None = None
        if guest.container is not None:
            self._watcher = self._watch(guest.container, packed, on_job)

    def _watch(
        self, container: bytes, packed: Packed | None, on_job: OnJob | None
    ) -> JobWatcher | None:
        sources = None if packed is None else open_inputs(packed.application, packed.image)
        try:
            return JobWatcher(
                self.machine,
                container,
                arena_base=_arena_base(self.machine.platform.path, packed),
                sources=sources,
                on_job=on_job,
            )
        except ValueError:
            # The device refuses this container, and says so on its console.
            if packed is not None:
                raise
            return None

    def _count(self, event: RunEvent) -> None:
        self._runs += event.kind == "end"

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.machine.close()

    @property
    def jobs(self) -> list[WatchedJob]:
        """Jobs completed so far."""
        return [] if self._watcher is None else self._watcher.jobs

    def run(
        self, duration_ns: int, enough: Callable[[list[WatchedJob]], bool] | None = None
    ) -> WatchedRun:
        """Run for a while of virtual time, or until it ends, or until the jobs are enough."""
        machine, watcher = self.machine, self._watcher
        begin, end_ns = time.perf_counter(), machine.now_ns + duration_ns
        exit_code = None
        while machine.now_ns < end_ns and not (enough is not None and enough(self.jobs)):
            stop = machine.run_for(min(_STEP_NS, end_ns - machine.now_ns))
            if stop.reason != "time":
                exit_code = stop.exit_code
                break
        return WatchedRun(
            back_end=self.back_end,
            virtual_ns=machine.now_ns,
            wall_s=time.perf_counter() - begin,
            instructions=machine.instructions,
            completed=dict(Counter(job.task for job in self.jobs)),
            npu_runs=self._runs,
            segments=() if watcher is None else tuple(watcher.runs),
            exit_code=exit_code,
            problems=tuple(machine.problems),
        )


def _arena_base(platform: str, packed: Packed | None) -> int | None:
    """Where the board has its arenas, which tells networks of one stream apart; None if unknown."""
    if packed is not None:
        return packed.target.board.arena_base
    try:
        # A platform of Hocket's has the name of its board.
        return boards.load(Path(platform).stem).arena_base
    except boards.BoardError:
        return None
