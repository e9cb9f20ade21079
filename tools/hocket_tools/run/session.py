# SPDX-License-Identifier: Apache-2.0
"""A container's jobs on an ARM image: real inputs in, outputs out, and how fast it went."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hocket_host.board import board as boards
from hocket_host.machines.common import EmulatedMachine
from hocket_host.machines.jobs import JobWatcher, WatchedJob
from hocket_host.machines.results import OnJob, Run

from ..app.inputs import open_inputs
from ..pack.packed import Packed
from .machines import Guest, create

_STEP_NS = 10_000_000


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
        self.machine: EmulatedMachine = create(back_end, guest, uart_output, gdb=gdb)
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

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        self.machine.close()

    @property
    def jobs(self) -> list[WatchedJob]:
        """Jobs completed so far."""
        return [] if self._watcher is None else self._watcher.jobs

    def run(
        self, duration_ns: int, enough: Callable[[list[WatchedJob]], bool] | None = None
    ) -> Run:
        """Run for a while of virtual time, or until it ends, or until the jobs are enough."""
        machine, watcher = self.machine, self._watcher
        begin, end_ns = time.perf_counter(), machine.now_ns + duration_ns
        exit_code = None
        while machine.now_ns < end_ns and not (enough is not None and enough(self.jobs)):
            stop = machine.run_for(min(_STEP_NS, end_ns - machine.now_ns))
            if stop.reason != "time":
                exit_code = stop.exit_code
                break
        run = Run(
            platform=self.back_end,
            duration_ns=machine.now_ns,
            npu_runs=machine.npu_runs,
            instructions=machine.instructions,
            exit_code=exit_code,
            problems=tuple(machine.problems),
            wall_s=time.perf_counter() - begin,
        )
        if watcher is None:
            return run
        completed = Counter(job.task for job in watcher.jobs)
        return replace(
            run,
            names=watcher.names,
            segments=tuple(watcher.segments),
            completed={name: completed[name] for name in watcher.names},
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
