# SPDX-License-Identifier: Apache-2.0
"""Follows an image from outside: the jobs of a container by the NPU's runs, and dispatch costs.

Nothing is added to the firmware. A job begins with the run of its network's first segment and ends
with that of its last; inputs are put into, and outputs taken from, the guest's memory then.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import shims
from ..errors import HocketError
from ..ethosu.engine import RunEvent
from ..ethosu.registers import EthosU, Reg
from ..shims.testing import ProcessMachine
from .machine import Machine
from .nvic import IRQ0
from .processor import ExceptionEvent

Frame = tuple[NDArray[Any], ...]
OnJob = Callable[[str, Frame, Frame], None]

_ARENA = 2
_REGIONS = 8


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
        Address of the container; where `Machine` puts it by default.
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
        machine: Machine,
        container: bytes,
        *,
        base: int | None = None,
        arena_base: int | None = None,
        sources: Mapping[str, Iterator[Frame]] | None = None,
        on_job: OnJob | None = None,
    ) -> None:
        self.jobs: list[WatchedJob] = []
        """Completed jobs, in order of completion."""
        self.order: list[tuple[str, int]] = []
        """Task and segment of each run that ended regularly, in order."""
        self._machine = machine
        self._npu = _npu_of(machine)
        self._sources = dict(sources or {})
        self._on_job = on_job
        self._base = machine.system.container_base() if base is None else base
        self._arena_base = arena_base
        self._app = _read(container)
        self._steps: dict[int, list[tuple[int, int]]] = {}
        for net, info in enumerate(self._app.nets):
            for step in range(info.steps):
                offset = self._app.step_offset(info.first_step + step)
                self._steps.setdefault(self._base + offset, []).append((net, step))
        self._names = {task.net: task.name for task in self._app.tasks}
        self._open: dict[int, _Open] = {}
        self._running: tuple[int, int] | None = None
        self._npu.observers.append(self._observe)

    def _bases(self) -> list[int]:
        return [self._npu.read(Reg.BASEP0 + 8 * r, 4) for r in range(_REGIONS)]

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
                if kind == _ARENA
            ]
            if all(arenas):
                return net, step
        return None

    def _observe(self, event: RunEvent) -> None:
        if event.kind == "start":
            self._running = self._which(event.qbase)
            if self._running is not None and self._running[1] == 0:
                self._begin(self._running[0], event.at_ns)
        elif event.kind == "end" and self._running is not None:
            net, step = self._running
            self._running = None
            self.order.append((self._names[net], step))
            if step == self._app.nets[net].steps - 1:
                self._finish(net, event.at_ns)

    def _begin(self, net: int, at_ns: int) -> None:
        source = self._sources.get(self._names[net])
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
        name = self._names[net]
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


@dataclass
class DispatchMeter:
    """Counts instructions from the NPU's interrupt to the start of the next segment.

    Only segments that the interrupt itself starts are counted, from the entry of its exception to
    the write of CMD.
    """

    machine: Machine
    instructions: list[int] = field(default_factory=list)
    """One number a dispatch, in order."""
    _entered: int | None = None

    def __post_init__(self) -> None:
        npu = self.machine.platform.npu
        _npu_of(self.machine).observers.append(self._run)
        self._number = -1 if npu is None else IRQ0 + npu.irq
        self.machine.exception_observers.append(self._exception)

    def _exception(self, event: ExceptionEvent) -> None:
        if event.number == self._number:
            self._entered = event.instructions if event.entered else None

    def _run(self, event: RunEvent) -> None:
        if event.kind == "start" and self._entered is not None:
            self.instructions.append(self.machine.instructions - self._entered)
            self._entered = None

    def percentile(self, percent: int) -> int:
        """A percentile of the counts by nearest rank; 100 is the largest.

        Raises
        ------
        HocketError
            Nothing was counted.
        """
        counts = sorted(self.instructions)
        if not counts:
            raise HocketError(
                "no dispatch was seen", found="no segment started by the NPU's interrupt",
                expected="at least one", try_="run longer, or cut the networks",
            )  # fmt: skip
        return counts[max(-(-len(counts) * percent // 100) - 1, 0)]


def _npu_of(machine: Machine) -> EthosU:
    if machine.npu is None:
        raise HocketError(
            "the machine has no NPU", where=machine.platform.path, found="none",
            expected="a Tag ETHOS_U55 in the platform description",
        )  # fmt: skip
    return machine.npu


def _read(container: bytes) -> Any:
    """The container as the device's own reader sees it."""
    space = np.zeros(len(container) + 16, np.uint8)
    start = -space.ctypes.data % 16
    space[start : start + len(container)] = np.frombuffer(container, np.uint8)
    with shims.installed(ProcessMachine()):
        hocket = importlib.import_module("hocket")
        return hocket.load(space[start : start + len(container)])
