# SPDX-License-Identifier: Apache-2.0
"""A container on the emulated board, with the firmware on MicroPython instead of CPython.

The board is the same, and so are the costs of the CPU in virtual time: both must come to the same,
to the nanosecond.
"""

from __future__ import annotations

import importlib.util
import mmap
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.device.interfaces import FunctionalModel
from hocket_host.sim.bus import Bus
from hocket_host.units import cycles_to_ns

from ..costs import StepCosts
from ..cpython.shims.utime import TICKS_PERIOD, instant_ns
from ..hosted import HostedBoard
from ..jobs import JobWatcher
from ..results import Frame, OnJob, Run
from ..setup import Setup
from .firmware import prepare
from .interpreter import Interpreter, MicroPythonError
from .link import Request

_GUEST = Path(__file__).with_name("guest.py")


def run(setup: Setup, duration_ns: int, on_job: OnJob | None = None) -> Run:
    """Run a container for a while of virtual time.

    Parameters
    ----------
    setup
        What runs where; every task needs a source.
    duration_ns
        How long; rounded up to whole microseconds.
    on_job
        Called with task, inputs and outputs, as the firmware read them, of each completed
        inference.

    Raises
    ------
    MicroPythonError
        MicroPython is not installed, or the firmware fails on it.
    """
    begin = time.perf_counter()
    board = setup.board
    with tempfile.TemporaryDirectory(prefix="hocket-micropython-") as folder:
        shared = _Shared()
        machine = setup.power_on(lambda bus: shared.back(bus, setup.npu))
        watcher = JobWatcher(machine, setup.container, arena_base=board.arena_base)
        prepare(_package(), Path(folder))
        costs = [
            cycles_to_ns(cycles, machine.cpu_hz)
            for cycles in (
                board.dispatch_cpu_cycles, board.release_cpu_cycles, board.resume_cpu_cycles,
                board.completion_cpu_cycles,
            )
        ]  # fmt: skip
        arguments = (
            folder, board.path.parent, -(-duration_ns // 1000), setup.policy or "",
            TICKS_PERIOD, *costs,
        )  # fmt: skip
        ranges = [(w.base, w.offset, w.size) for w in machine.bus.windows if w.device is None]
        with Interpreter(_GUEST, arguments, shared.descriptor, ranges) as process:
            costs_of = StepCosts(watcher.application, machine.cpu_hz, worst=setup.worst)
            server = _Server(
                process, machine, watcher.application, costs_of, setup.sources, on_job
            )  # fmt: skip
            server.serve()
        return Run(
            platform="micropython",
            duration_ns=duration_ns,
            names=watcher.names,
            segments=tuple(watcher.segments),
            completed=server.completed,
            report=server.report,
            npu_runs=len(watcher.segments),
            wall_s=time.perf_counter() - begin,
        )


def _package() -> Path:
    """The device package, wherever it is installed."""
    spec = importlib.util.find_spec("hocket")
    if spec is None or spec.origin is None:
        raise MicroPythonError(
            "the firmware is not installed", found="no package hocket",
            expected="it beside hocket_host",
            try_="pip install hocket",
        )  # fmt: skip
    return Path(spec.origin).parent


class _Shared:
    """A bus's memory in a file that another process can map."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("hocket-memory")

    def back(self, bus: Bus, npu: NpuConfig) -> FunctionalModel:
        from hocket_host.ethosu.compute.model import NpuModel

        os.ftruncate(self.descriptor, bus.memory.size)
        shared = mmap.mmap(self.descriptor, bus.memory.size)
        bus.move_to(np.frombuffer(shared, np.uint8))
        return NpuModel(npu, bus.memory)

    def __del__(self) -> None:
        os.close(self.descriptor)


class _Server:
    """Answers the guest, out of the machine under it."""

    def __init__(
        self,
        process: Interpreter,
        machine: HostedBoard,
        app: Any,
        costs: StepCosts,
        sources: Mapping[str, Iterator[Frame]],
        on_job: OnJob | None,
    ) -> None:
        self.report = ""
        self.completed: Counter[str] = Counter({task.name: 0 for task in app.tasks})
        self._process = process
        self._machine = machine
        self._app = app
        self._costs = costs
        self._sources = sources
        self._on_job = on_job
        self._frames: dict[int, Frame] = {}

    def serve(self) -> None:
        """Until the guest has ended, or its handler of an interrupt has."""
        while True:
            asked = self._process.request()
            if asked is None or asked[0] is Request.SERVED:
                return
            self._process.answer(*self._do(*asked))

    def _do(self, operation: Request, first: int, second: int, data: bytes) -> tuple[int, bytes]:
        machine = self._machine
        value, more = 0, b""
        match operation:
            case Request.READ:
                value = machine.read(first, second)
                value -= (value & 0x8000_0000) << 1
            case Request.WRITE:
                machine.write(first, 4, second)
            case Request.NOW:
                value = machine.now_ns() // 1000 % TICKS_PERIOD
            case Request.ADVANCE:
                machine.advance(first)
            case Request.IDLE:
                self._idle(first)
            case Request.HOOK:
                machine.set_irq_handler(first, self._interrupt if second else None)
            case Request.DISABLE:
                value = int(bool(machine.disable_irq()))
            case Request.ENABLE:
                machine.enable_irq(first)
            case Request.STEP:
                net, step = first >> 16, first & 0xFFFF
                machine.advance(self._costs.cpu_step_ns(net, step, bool(second)))
            case Request.FRAME:
                more = self._frame(first)
                value = len(more)
            case Request.OUTPUT:
                self._output(first, data)
            case Request.REPORT:
                self.report = data.decode()
        return value, more

    def _frame(self, index: int) -> bytes:
        task = self._app.tasks[index]
        self._costs.begin(task.net)
        frame = self._frames[index] = next(self._sources[task.name])
        return b"".join(np.ascontiguousarray(part).tobytes() for part in frame)

    def _output(self, index: int, data: bytes) -> None:
        task = self._app.tasks[index]
        self.completed[task.name] += 1
        if self._on_job is None:
            return
        at, outputs = 0, []
        for tensor in self._app.nets[task.net].outputs:
            raw = data[at : at + tensor.size]
            outputs.append(np.frombuffer(raw, tensor.dtype).reshape(tensor.shape))
            at += tensor.size
        self._on_job(task.name, self._frames[index], tuple(outputs))

    def _idle(self, tick: int) -> None:
        machine = self._machine
        if tick < 0:
            machine.wait_for_interrupt(None)
            return
        until_ns = instant_ns(tick, machine.now_ns())
        if until_ns is not None:
            machine.wait_for_interrupt(until_ns)

    def _interrupt(self, number: int) -> None:
        self._process.interrupt(number)
        self.serve()
