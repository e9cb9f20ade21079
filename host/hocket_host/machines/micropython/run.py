# SPDX-License-Identifier: Apache-2.0
"""A container on the emulated board, with the firmware on MicroPython instead of CPython.

Everything else is as in `hocket_host.machines.cpython.emulation`: the same machine, the same costs
of the processor in virtual time. So both must come to the same, to the nanosecond.
"""

from __future__ import annotations

import importlib.util
import mmap
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hocket_host.board.board import Board
from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.device.queue import Model
from hocket_host.ethosu.device.registers import EthosU
from hocket_host.ethosu.timing.system import SystemConfig
from hocket_host.sim.bus import Bus
from hocket_host.units import cycles_to_ns

from ..costs import StepCosts
from ..cpython.emulation import Frame, OnJob
from ..cpython.shims.utime import TICKS_PERIOD
from ..cpython.soc import Soc
from ..jobs import JobWatcher, NpuRun
from .link import Operation
from .process import Process, VmError
from .source import prepare

_GUEST = Path(__file__).with_name("guest.py")
_HALF = TICKS_PERIOD // 2


@dataclass(frozen=True)
class VmRun:
    """What a run came to."""

    report: str
    """The kernel's own statistics, as it prints them."""
    runs: tuple[NpuRun, ...]
    """Segments, in the order in which they ended."""


class _Watched:
    """A board's machine as `JobWatcher` sees it."""

    def __init__(self, soc: Soc) -> None:
        self._soc = soc
        self.npu: EthosU | None = soc.npu
        self.bus = soc.bus
        self.container_base = soc.board.flash_base

    def read_memory(self, address: int, length: int) -> bytes:
        return bytes(self._soc.bus.view(address, length))


def run(
    container: bytes,
    *,
    board: Board,
    npu: NpuConfig,
    system: SystemConfig,
    duration_ns: int,
    sources: Mapping[str, Iterator[Frame]],
    policy: str | None = None,
    cpu_hz: int | None = None,
    on_job: OnJob | None = None,
) -> VmRun:
    """Run a container for a while of virtual time.

    Parameters
    ----------
    container
        Bytes of the .hkt file.
    board
        Memory map, clocks and CPU costs.
    npu, system
        The accelerator, its clock and the memories behind it.
    duration_ns
        How long; rounded up to whole microseconds.
    sources
        Successive input frames by task.
    policy, cpu_hz
        As of `hocket_host.machines.cpython.emulation.run`.
    on_job
        Called with task, inputs and outputs, as the firmware read them, of each completed
        inference.

    Raises
    ------
    VmError
        MicroPython is missing, or the firmware fails on it.
    """
    with tempfile.TemporaryDirectory(prefix="hocket-vm-") as folder:
        shared = _Shared()
        soc = Soc(
            board, npu, system, npu_hz=system.clock_hz, cpu_hz=cpu_hz, strict=True,
            model=lambda bus: shared.back(bus, npu),
        )  # fmt: skip
        soc.bus.load(board.flash_base, container)
        watcher = JobWatcher(_Watched(soc), container, arena_base=board.arena_base)
        prepare(_package(), Path(folder))
        costs = [
            cycles_to_ns(cycles, soc.cpu_hz)
            for cycles in (
                board.dispatch_cpu_cycles, board.release_cpu_cycles, board.resume_cpu_cycles,
                board.completion_cpu_cycles,
            )
        ]  # fmt: skip
        arguments = (folder, board.path.parent, -(-duration_ns // 1000), policy or "", *costs)
        ranges = [(w.base, w.offset, w.size) for w in soc.bus.windows if w.device is None]
        with Process(_GUEST, arguments, shared.descriptor, ranges) as process:
            costs_of = StepCosts(watcher.application, soc.cpu_hz, worst=False)
            server = _Server(process, soc, watcher.application, costs_of, sources, on_job)
            server.serve()
        return VmRun(server.report, tuple(watcher.runs))


def _package() -> Path:
    """The device package, wherever it is installed."""
    spec = importlib.util.find_spec("hocket")
    if spec is None or spec.origin is None:
        raise VmError(
            "the firmware is not here", found="no package hocket", expected="it beside hocket_host",
            try_="pip install hocket",
        )  # fmt: skip
    return Path(spec.origin).parent


class _Shared:
    """A bus's memory in a file that another process can map."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("hocket-memory")

    def back(self, bus: Bus, npu: NpuConfig) -> Model:
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
        process: Process,
        soc: Soc,
        app: Any,
        costs: StepCosts,
        sources: Mapping[str, Iterator[Frame]],
        on_job: OnJob | None,
    ) -> None:
        self.report = ""
        self._process = process
        self._soc = soc
        self._app = app
        self._costs = costs
        self._sources = sources
        self._on_job = on_job
        self._frames: dict[int, Frame] = {}

    def serve(self) -> None:
        """Until the guest has ended, or its handler of an interrupt has."""
        while True:
            asked = self._process.request()
            if asked is None or asked[0] is Operation.SERVED:
                return
            self._process.answer(*self._do(*asked))

    def _do(self, operation: Operation, first: int, second: int, data: bytes) -> tuple[int, bytes]:
        soc = self._soc
        value, more = 0, b""
        match operation:
            case Operation.READ:
                value = soc.read(first, second)
                value -= (value & 0x8000_0000) << 1
            case Operation.WRITE:
                soc.write(first, 4, second)
            case Operation.NOW:
                value = soc.now_ns() // 1000 % TICKS_PERIOD
            case Operation.ADVANCE:
                soc.advance(first)
            case Operation.IDLE:
                self._idle(first)
            case Operation.HOOK:
                soc.set_irq_handler(first, self._interrupt if second else None)
            case Operation.DISABLE:
                value = int(bool(soc.disable_irq()))
            case Operation.ENABLE:
                soc.enable_irq(first)
            case Operation.STEP:
                net, step = first >> 16, first & 0xFFFF
                soc.advance(self._costs.piece_ns(net, step, bool(second)))
            case Operation.FRAME:
                more = self._frame(first)
                value = len(more)
            case Operation.OUTPUT:
                self._output(first, data)
            case Operation.REPORT:
                self.report = data.decode()
        return value, more

    def _frame(self, index: int) -> bytes:
        task = self._app.tasks[index]
        self._costs.begin(task.net)
        frame = self._frames[index] = next(self._sources[task.name])
        return b"".join(np.ascontiguousarray(part).tobytes() for part in frame)

    def _output(self, index: int, data: bytes) -> None:
        if self._on_job is None:
            return
        task = self._app.tasks[index]
        at, outputs = 0, []
        for tensor in self._app.nets[task.net].outputs:
            raw = data[at : at + tensor.size]
            outputs.append(np.frombuffer(raw, tensor.dtype).reshape(tensor.shape))
            at += tensor.size
        self._on_job(task.name, self._frames[index], tuple(outputs))

    def _idle(self, tick: int) -> None:
        soc = self._soc
        if tick < 0:
            soc.wait_for_interrupt(None)
            return
        now_us = soc.now_ns() // 1000
        ahead = (tick - now_us + _HALF) % TICKS_PERIOD - _HALF
        if ahead > 0:
            soc.wait_for_interrupt((now_us + ahead) * 1000)

    def _interrupt(self, number: int) -> None:
        self._process.interrupt(number)
        self.serve()
