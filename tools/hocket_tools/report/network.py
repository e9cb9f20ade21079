# SPDX-License-Identifier: Apache-2.0
"""Segments and layers of a packed network: cycles, what bounds them, and where they come from.

Everything is taken from the command streams in the container; names of source operators are in its
notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hocket_host.ethosu.config import NpuConfig, npu_config
from hocket_host.ethosu.device.queue import mac_cycles
from hocket_host.ethosu.stream.command_stream import parse
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import (
    Bound,
    OperationCycles,
    StreamTiming,
    operation_cycles,
    stream_cycles,
)

from ..container import Model, Step, StepKind
from ..container.programs import encode
from ..cpu.packing import MODULES
from ..pack.packed import Packed

#: What an engineer would change, for each of the timing model's bounds.
LIMITS = {
    Bound.MAC: "MAC",
    Bound.OUTPUT: "output",
    Bound.ELEMENTWISE: "output",
    Bound.ISSUE: "issue",
    Bound.WEIGHTS: "weights",
    Bound.SCALES: "weights",
    Bound.IFM: "feature maps",
    Bound.OFM: "feature maps",
    Bound.DMA: "DMA",
}


@dataclass(frozen=True)
class TimedOperation:
    """One operation of a network, as its segment runs it."""

    operation: Operation
    segment: int
    source: str
    """Name of its source operator; the segment's when unknown."""
    kind: str
    """Kind of the source operator; empty when unknown."""
    cycles: int
    """In its segment."""
    critical: int
    """Cycles by which it lengthens its segment: all of a kernel's, of a DMA's those beside none."""
    end: int
    """Cycle of the inference at which it and all before it have ended, nothing between segments."""
    alone: OperationCycles
    mac_cycles: int
    """Cycles that its multiplications would take with every multiplier in use."""
    limit: str
    memory: str | None
    """Name of the memory that bounds it, if one does."""


@dataclass(frozen=True)
class TimedNetwork:
    """A model of a container with the cycles of its operations."""

    model: Model
    system: SystemConfig
    work: tuple[TimedOperation, ...]
    """Operations of the NPU."""
    cpu_hz: int

    def preceding(self, step: int) -> int:
        """Number of NPU operations before a step."""
        return sum(s.operations for s in self.model.steps[:step])


def networks(packed: Packed) -> list[TimedNetwork]:
    """Every model of a container, with the cycles of its operations."""
    config = npu_config(packed.image.accelerator)
    system = packed.target.system
    names = {task.model: task.name for task in packed.image.tasks}
    cpu_hz = packed.application.board.cpu_clock or packed.target.board.cpu_hz
    return [
        TimedNetwork(
            model, system, tuple(_work(packed, model, names.get(index), config, system)), cpu_hz
        )
        for index, model in enumerate(packed.image.models)
    ]


def _work(
    packed: Packed, model: Model, task: str | None, config: NpuConfig, system: SystemConfig
) -> list[TimedOperation]:
    found: list[TimedOperation] = []
    # A CPU operator has no operations of the NPU.
    streams = [
        parse(step.stream).operations if step.kind == StepKind.NPU else () for step in model.steps
    ]
    # A segment's prologue loads tables again; those operations are not the network's own.
    own = [
        stream[len(stream) - step.operations :]
        for stream, step in zip(streams, model.steps, strict=True)
    ]
    sources = packed.layers.get(task or "", ())
    if len(sources) != sum(map(len, own)):
        sources = ()
    begin = 0
    for segment, (stream, step) in enumerate(zip(streams, model.steps, strict=True)):
        if not stream:
            continue
        timing = stream_cycles(stream, config, system)
        critical, ends = _critical(stream, timing), timing.ends()
        for index in range(len(stream) - step.operations, len(stream)):
            op = stream[index]
            source, kind = sources[len(found)] if sources else (step.name, "")
            alone = operation_cycles(op, config, system)
            found.append(
                TimedOperation(
                    operation=op,
                    segment=segment,
                    source=source or kind or step.name,
                    kind=kind,
                    cycles=timing.operations[index].cycles,
                    critical=critical[index],
                    end=begin + ends[index],
                    alone=alone,
                    mac_cycles=0 if op.is_dma else mac_cycles(op, config),
                    limit=LIMITS[alone.bound],
                    memory=_memory(op, alone.bound, system),
                )
            )
        begin += step.nominal_cycles
    return found


def _critical(stream: Sequence[Operation], timing: StreamTiming) -> list[int]:
    """What each operation adds to its stream's time, kernels before DMAs."""
    kernels = [
        (t.start, t.end) for o, t in zip(stream, timing.operations, strict=True) if not o.is_dma
    ]
    found = []
    for op, timed in zip(stream, timing.operations, strict=True):
        hidden = 0
        if op.is_dma:
            hidden = sum(
                max(min(end, timed.end) - max(start, timed.start), 0) for start, end in kernels
            )
        found.append(timed.end - timed.start - hidden)
    return found


def _memory(op: Operation, bound: Bound, system: SystemConfig) -> str | None:
    """The memory that a bound is about."""
    region: int | None = None
    if bound is Bound.DMA:
        dma = op.dma()
        region = dma.destination.region if dma.source_internal else dma.source.region
    elif bound in (Bound.WEIGHTS, Bound.SCALES):
        span = op.weights() if bound is Bound.WEIGHTS else op.scales()
        region = None if span is None else span.region
    elif bound is Bound.IFM:
        region = op.ifm().region
    elif bound is Bound.OFM:
        region = op.ofm().region
    return None if region is None else system.region(region).name


def segments(network: TimedNetwork, live_bytes: Sequence[int]) -> list[dict[str, Any]]:
    """A network's segments.

    ``limits`` shares all of a segment's nominal cycles out: to what bounds each kernel, to DMAs
    that no kernel hides, and to "overhead", which is the fetch of the first commands, the reload of
    tables and the stop. A CPU operator is bound by "processor"; its cycles are those that
    the NPU's clock makes meanwhile.

    Parameters
    ----------
    network
        The network.
    live_bytes
        Bytes that must keep their value, before each of its operations.
    """
    found = []
    at = 0
    for index, step in enumerate(network.model.steps):
        if step.kind == StepKind.CPU:
            found.append(_on_cpu(network, index, step, live_bytes[at] if index else 0))
            continue
        work = network.work[at : at + step.operations]
        limits = _limits(work)
        overhead = step.nominal_cycles - sum(limits.values())
        if overhead > 0:
            limits["overhead"] = overhead
        found.append(
            {
                "name": step.name,
                "sources": list(dict.fromkeys(w.source for w in work)),
                "first_operation": step.first_operation,
                "operations": step.operations,
                "stream_size": len(step.stream),
                "nominal_cycles": step.nominal_cycles,
                "worst_cycles": step.worst_cycles,
                "limits": limits,
                "memory": _bounding_memory(work),
                "live_bytes": live_bytes[at] if index else 0,
            }
        )
        at += step.operations
    return found


def _on_cpu(network: TimedNetwork, index: int, step: Step, live_bytes: int) -> dict[str, Any]:
    hz, cpu_hz = network.system.clock_hz, network.cpu_hz
    cycles = -(-step.nominal_cycles * hz // cpu_hz)
    return {
        "name": step.name,
        "sources": [step.name],
        "first_operation": network.preceding(index),
        "operations": 0,
        "stream_size": len(encode(step)),
        "nominal_cycles": cycles,
        "worst_cycles": -(-step.worst_cycles * hz // cpu_hz),
        "limits": {"processor": cycles} if cycles else {},
        "memory": None,
        "live_bytes": live_bytes,
    }


def layers(network: TimedNetwork) -> list[dict[str, Any]]:
    """A network's source operators in order of their first operation.

    ``cycles`` is its part of the inference: ``kernel_cycles`` and what no kernel hides of
    ``dma_cycles``. Of its kernels, ``mac_cycles`` is what the multiplications alone would take,
    ``compute_cycles`` what the NPU's stages and ``memory_cycles`` what the busiest memory need.
    CPU operators come last; their cycles are those of `segments`.
    """
    groups: dict[str, list[TimedOperation]] = {}
    for work in network.work:
        groups.setdefault(work.source, []).append(work)
    found = []
    for name, works in groups.items():
        kernels = [w for w in works if not w.operation.is_dma]
        found.append(
            {
                "name": name,
                "kind": next((w.kind for w in works if w.kind), ""),
                "operations": len(works),
                "first_segment": works[0].segment,
                "last_segment": works[-1].segment,
                "cycles": sum(w.critical for w in works),
                "kernel_cycles": sum(w.cycles for w in kernels),
                "dma_cycles": sum(w.cycles for w in works if w.operation.is_dma),
                "mac_cycles": sum(w.mac_cycles for w in works),
                "compute_cycles": sum(w.alone.compute for w in kernels),
                "memory_cycles": sum(w.alone.memory for w in kernels),
                "limits": _limits(works),
                "memory": _bounding_memory(works),
            }
        )
    on_cpu = [
        (index, step) for index, step in enumerate(network.model.steps) if step.kind == StepKind.CPU
    ]
    return found + [_cpu_layer(network, index, step) for index, step in on_cpu]


def _cpu_layer(network: TimedNetwork, index: int, step: Step) -> dict[str, Any]:
    row = _on_cpu(network, index, step, 0)
    program = step.program
    assert program is not None
    none = ("kernel_cycles", "dma_cycles", "mac_cycles", "compute_cycles", "memory_cycles")
    return {
        "name": step.name,
        "kind": MODULES[program.code] if program.code < len(MODULES) else f"own {program.code}",
        "operations": 0,
        "first_segment": index,
        "last_segment": index,
        "cycles": row["nominal_cycles"],
        **dict.fromkeys(none, 0),
        "limits": row["limits"],
        "memory": None,
    }


def _bounding_memory(works: Sequence[TimedOperation]) -> str | None:
    """The memory that bounds the most cycles; None if none does."""
    cycles = Counter[str]()
    for work in works:
        if work.memory is not None:
            cycles[work.memory] += work.critical
    return next((memory for memory, count in cycles.most_common() if count), None)


def _limits(works: Sequence[TimedOperation]) -> dict[str, int]:
    """Cycles by what bounds them, the most first."""
    cycles = Counter[str]()
    for work in works:
        cycles[work.limit] += work.critical
    return {limit: count for limit, count in cycles.most_common() if count}
