# SPDX-License-Identifier: Apache-2.0
"""Follows firmware from outside: the jobs of a container by the runs of the NPU.

Nothing is added to the firmware. A job begins with the run of its network's first segment and ends
with that of its last; inputs are put into, and outputs taken from, the guest's memory then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..ethosu.device.engine import RunEvent
from ..ethosu.device.registers import EthosU, Reg
from ..sim.bus import Bus
from .common.npu_options import npu_of
from .cpython.device_reader import container_layout, read_container
from .results import Frame, OnJob, SegmentRun


class Watched(Protocol):
    """What is needed of a machine to follow its jobs."""

    @property
    def npu(self) -> EthosU | None:
        """The accelerator."""

    @property
    def bus(self) -> Bus:
        """The guest's memories, to be written."""

    @property
    def container_base(self) -> int:
        """Where a container goes."""

    def read_memory(self, address: int, length: int, /) -> bytes:
        """Bytes of the guest's memory as the guest sees them."""


@dataclass(frozen=True)
class WatchedJob:
    """A job as the NPU saw it."""

    task: str
    start_ns: int
    """Its first segment starts."""
    end_ns: int
    """Its last segment ends."""


@dataclass
class _Open:
    start_ns: int
    inputs: Frame


class JobWatcher:
    """Watches the jobs of a container on a machine.

    Parameters
    ----------
    machine
        With an NPU.
    container
        What it was given.
    base
        Address of the container; where machines put it by default.
    arena_base
        Start of the pool of arenas; needed only if networks share their streams.
    sources
        Successive input frames by task, written when a job's first segment starts.
    on_job
        Called with task, inputs and outputs of every job that completes.

    Raises
    ------
    ValueError
        The device's reader refuses the container.
    HocketError
        The machine has no NPU.
    """

    def __init__(
        self,
        machine: Watched,
        container: bytes,
        *,
        base: int | None = None,
        arena_base: int | None = None,
        sources: Mapping[str, Iterator[Frame]] | None = None,
        on_job: OnJob | None = None,
    ) -> None:
        self.jobs: list[WatchedJob] = []
        """Completed jobs, in order of completion."""
        self.segments: list[SegmentRun] = []
        """Segments that ended regularly, in order."""
        self._machine = machine
        self._npu = npu_of(machine)
        self._sources = dict(sources or {})
        self._on_job = on_job
        self._base = machine.container_base if base is None else base
        self._arena_base = arena_base
        self._app = read_container(container)
        self._layout = container_layout()
        self._steps: dict[int, list[tuple[int, int]]] = {}
        for net, info in enumerate(self._app.nets):
            for step in range(info.steps):
                offset = self._app.step_offset(info.first_step + step)
                self._steps.setdefault(self._base + offset, []).append((net, step))
        self.names: tuple[str, ...] = tuple(task.name for task in self._app.tasks)
        """Tasks, in the order of the container."""
        self._tasks = {task.net: index for index, task in enumerate(self._app.tasks)}
        self._open: dict[int, _Open] = {}
        self._running: tuple[int, int] | None = None
        self._started_ns = 0
        self._npu.observers.append(self._observe)

    @property
    def application(self) -> Any:
        """The container as the device's own reader has it."""
        return self._app

    def _bases(self) -> list[int]:
        return [self._npu.read(Reg.BASEP0 + 8 * r, 4) for r in range(self._layout.REGION_SLOTS)]

    def _which(self, qbase: int) -> tuple[int, int] | None:
        """Network and segment of a run."""
        found = self._steps.get(qbase, [])
        if len(found) < 2 or self._arena_base is None:
            return found[0] if len(found) == 1 else None
        bases = self._bases()
        for net, step in found:
            arenas = [
                bases[i] == self._arena_base + offset
                for i, (kind, offset, _) in enumerate(self._app.nets[net].regions)
                if kind == self._layout.REGION_KIND_ARENA
            ]
            if all(arenas):
                return net, step
        return None

    def _observe(self, event: RunEvent) -> None:
        if event.kind == "start":
            self._running = self._which(event.qbase)
            self._started_ns = event.at_ns
            if self._running is not None and self._running[1] == 0:
                self._begin(self._running[0], event.at_ns)
        elif event.kind == "end" and self._running is not None:
            net, step = self._running
            self._running = None
            task = self._tasks[net]
            self.segments.append(SegmentRun(task, step, self._started_ns, event.at_ns))
            if step == self._app.nets[net].steps - 1:
                self._finish(net, event.at_ns)

    def _begin(self, net: int, at_ns: int) -> None:
        source = self._sources.get(self.names[self._tasks[net]])
        tensors = self._app.nets[net].inputs
        if source is not None:
            for info, values in zip(tensors, next(source), strict=True):
                data = np.ascontiguousarray(values).tobytes()
                self._machine.bus.load(self._address(info), data)
        self._open[net] = _Open(at_ns, tuple(self._array(info) for info in tensors))

    def _finish(self, net: int, at_ns: int) -> None:
        opened = self._open.pop(net, None)
        if opened is None:
            return
        name = self.names[self._tasks[net]]
        self.jobs.append(WatchedJob(name, opened.start_ns, at_ns))
        if self._on_job is not None:
            outputs = tuple(self._array(info) for info in self._app.nets[net].outputs)
            self._on_job(name, opened.inputs, outputs)

    def _address(self, info: Any) -> int:
        base: int = self._bases()[info.region]
        return base + int(info.offset)

    def _array(self, info: Any) -> NDArray[Any]:
        raw = self._machine.read_memory(self._address(info), info.size)
        return np.frombuffer(raw, dtype=info.dtype).reshape(info.shape)
