# SPDX-License-Identifier: Apache-2.0
"""A container on the emulated board: the firmware's kernel in virtual time, fed with real inputs.

The firmware is the device's own, unchanged; what is emulated is the machine under it. Times are
taken from the virtual clock, in ns, not from the device's microsecond ticks.
"""

from __future__ import annotations

import importlib
import runpy
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hocket_host.board.board import Board
from hocket_host.ethosu.device.engine import RunEvent
from hocket_host.units import cycles_to_ns

from ..costs import StepCosts
from ..hosted import HostedBoard
from ..results import Frame, Job, OnJob, Run, SegmentRun, TaskRun
from ..setup import Setup
from . import shims
from .cpu_log import CpuLog
from .shims.utime import TICKS_PERIOD


def run(setup: Setup, duration_ns: int, on_job: OnJob | None = None) -> Run:
    """Run a container for a while of virtual time.

    Parameters
    ----------
    setup
        What runs where.
    duration_ns
        How long; rounded up to whole microseconds.
    on_job
        Called with task name, inputs and outputs of each completed inference.

    Returns
    -------
    Run
        Identical for identical arguments.

    Raises
    ------
    ValueError
        The device's reader refuses the container.
    """
    begin = time.perf_counter()
    machine, board = setup.power_on(), setup.board
    with shims.installed(machine):
        hocket = importlib.import_module("hocket")
        app = hocket.load(board.flash_base)
        port = hocket.Port(SimpleNamespace(**runpy.run_path(str(board.path))))
        kernel = hocket.Kernel(app, policy=setup.policy, port=port)
        costs = StepCosts(app, machine.cpu_hz, worst=setup.worst)
        recorder = _Recorder(machine, app, board, kernel, costs)
        machine.npu.observers.append(recorder.observe)
        recorder.charge(port)
        for index, task in enumerate(app.tasks):
            kernel.every(task.name)(recorder.body(index, setup.sources.get(task.name), on_job))
        kernel.run(-(-duration_ns // 1000))
        kernel.close()
        return recorder.result(duration_ns, time.perf_counter() - begin)


@dataclass
class _Open:
    """A job that began and has not ended."""

    index: int
    release_ns: int
    failed: bool = False


class _Recorder:
    """Watches the firmware from outside and keeps exact times."""

    def __init__(
        self, machine: HostedBoard, app: Any, board: Board, kernel: Any, costs: StepCosts
    ) -> None:
        self._machine = machine
        self._costs = costs
        self._app = app
        self._board = board
        self._kernel = kernel
        # Releases are counted from a whole microsecond, the kernel's tick.
        self._start_ns = machine.now_ns() // 1000 * 1000
        self._jobs: list[list[Job]] = [[] for _ in app.tasks]
        self._open: list[_Open | None] = [None for _ in app.tasks]
        self._ending: int | None = None
        self._segments: list[SegmentRun] = []
        self._on_npu: tuple[int, int, int] | None = None
        self._tasks = {task.net: index for index, task in enumerate(app.tasks)}
        self._npu_runs = 0
        self._cpu = CpuLog(machine, self._start_ns)
        self._completion_ns = cycles_to_ns(board.completion_cpu_cycles, machine.cpu_hz)

    def charge(self, port: Any) -> None:
        """Make the firmware's own work take the time that the board says it takes."""
        dispatch = cycles_to_ns(self._board.dispatch_cpu_cycles, self._machine.cpu_hz)
        resume = cycles_to_ns(self._board.resume_cpu_cycles, self._machine.cpu_hz)
        release = cycles_to_ns(self._board.release_cpu_cycles, self._machine.cpu_hz)
        port.charge_dispatch = lambda: self._cpu.work("dispatch", dispatch)
        port.charge_resume = lambda: self._cpu.work("resume", resume)
        port.charge_release = partial(self._charge_release, release)
        port.charge_body = self._charge_body
        port.charge_step = self._charge_step

    def _charge_release(self, ns: int, task: int) -> None:
        if ns:
            self._cpu.work("release", ns)
            self._cpu.assign("release", task)

    def _charge_step(self, net: int, step: int, last: bool) -> None:
        task = self._tasks[net]
        self._cpu.assign("resume", task)
        self._cpu.work("step", self._costs.cpu_step_ns(net, step, last))
        self._cpu.assign("step", task, step)

    def _charge_body(self, ns: int) -> None:
        self._cpu.work("body", ns + self._completion_ns)
        if self._ending is not None:
            self._cpu.assign("body", self._ending)
            self._close(self._ending, self._machine.now_ns())
            self._ending = None

    def observe(self, event: RunEvent) -> None:
        """Follow the NPU's runs."""
        self._npu_runs += event.kind == "end"
        if event.kind == "start":
            slot, step = self._kernel.dispatcher.running
            self._on_npu = (self._tasks[slot], step, event.at_ns)
            self._cpu.assign("dispatch", self._tasks[slot])
        elif event.kind != "irq" and self._on_npu is not None:
            task, step, start = self._on_npu
            end_ns = self._relative(event)
            self._segments.append(SegmentRun(task, step, start - self._start_ns, end_ns))
            self._on_npu = None

    def _relative(self, event: RunEvent) -> int:
        return event.at_ns - self._start_ns

    def body(
        self, index: int, source: Iterator[Frame] | None, on_job: OnJob | None
    ) -> Callable[[Any], Coroutine[Any, Any, None]]:
        """Body of a task: the next frame, the inference, and its results to whoever listens."""
        name = self._app.tasks[index].name

        async def body(net: Any) -> None:
            self._cpu.assign("resume", index)
            opened = self._begin(index, net)
            frame: Frame = () if source is None else next(source)
            data = tuple(np.ascontiguousarray(part).reshape(-1).view(np.uint8) for part in frame)
            try:
                await (net.infer(data) if data else net.infer())
            except OSError:
                opened.failed = True
                self._close(index, None)
                raise
            finally:
                self._cpu.assign("resume", index)
            if on_job is not None:
                on_job(name, frame, tuple(_array(o) for o in _outputs(net, self._app, index)))
            self._ending = index

        return body

    def _begin(self, index: int, net: Any) -> _Open:
        """Which release the job belongs to, from the kernel's tick of it."""
        if self._open[index] is not None:
            self._close(index, None)
        task = self._app.tasks[index]
        self._costs.begin(task.net)
        now_us = self._machine.now_ns() // 1000
        elapsed_us = (now_us - net.periodic.released) % TICKS_PERIOD
        released_ns = (now_us - elapsed_us) * 1000 + 999 - self._start_ns
        ordinal = (released_ns - task.offset_ns) // task.period_ns
        opened = _Open(ordinal, task.offset_ns + ordinal * task.period_ns)
        self._open[index] = opened
        return opened

    def _close(self, index: int, at_ns: int | None) -> None:
        opened = self._open[index]
        if opened is None:
            return
        self._open[index] = None
        outcome: Literal["done", "failed", "unfinished"] = "done"
        if at_ns is None:
            outcome = "failed" if opened.failed else "unfinished"
        self._jobs[index].append(
            Job(
                task=index,
                index=opened.index,
                release_ns=opened.release_ns,
                deadline_ns=opened.release_ns + self._app.tasks[index].deadline_ns,
                end_ns=None if at_ns is None else at_ns - self._start_ns,
                outcome=outcome,
            )
        )

    def result(self, duration_ns: int, wall_s: float) -> Run:
        """Everything that was seen."""
        for index in range(len(self._open)):
            self._close(index, None)
        tasks = []
        cpu = tuple(self._cpu.known())
        for index, task in enumerate(self._app.tasks):
            stats = self._kernel.stats(task.name)
            tasks.append(
                TaskRun(
                    name=task.name,
                    period_ns=task.period_ns,
                    deadline_ns=task.deadline_ns,
                    offset_ns=task.offset_ns,
                    priority=task.priority,
                    jobs=tuple(j for j in self._jobs[index] if _counts(j, duration_ns)),
                    releases=max(-(-(duration_ns - task.offset_ns) // task.period_ns), 0),
                    skipped=stats.skipped,
                    blocking_ns=stats.blocking_max_us * 1000,
                    npu_ns=sum(s.end_ns - s.start_ns for s in self._segments if s.task == index),
                    steps_ns=sum(
                        w.end_ns - w.start_ns for w in cpu if (w.task, w.kind) == (index, "step")
                    ),
                )
            )
        return Run(
            platform="cpython",
            duration_ns=duration_ns,
            names=tuple(task.name for task in tasks),
            segments=tuple(self._segments),
            completed={task.name: len(task.responses_ns) for task in tasks},
            tasks=tuple(tasks),
            cpu=cpu,
            report=self._kernel.report(),
            npu_runs=self._npu_runs,
            wall_s=wall_s,
        )


def _counts(job: Job, duration_ns: int) -> bool:
    """An unfinished job counts only if its deadline lies within the run."""
    return job.outcome != "unfinished" or job.deadline_ns <= duration_ns


def _outputs(net: Any, app: Any, index: int) -> list[Any]:
    return [net.output(i) for i in range(len(app.nets[app.tasks[index].net].outputs))]


def _array(tensor: Any) -> NDArray[Any]:
    """A copy of an output, in its own type and shape."""
    return np.frombuffer(bytes(tensor.raw), dtype=tensor.dtype).reshape(tensor.shape)
