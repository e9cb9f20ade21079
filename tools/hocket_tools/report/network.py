# SPDX-License-Identifier: Apache-2.0
"""Segments and layers of a packed network: cycles, what bounds them, and where they come from.

Everything is taken from the command streams that the container holds; the original model is only
asked for the names of its operators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hocket_host.ethosu.config import NpuConfig, npu_config
from hocket_host.ethosu.operation import Operation, parse
from hocket_host.ethosu.queue import mac_cycles
from hocket_host.ethosu.system import SystemConfig
from hocket_host.ethosu.timing import Bound, OperationCycles, operation_cycles, stream_cycles

from ..container import Model
from ..pack import system_config, vela_options
from ..run import Packed
from ..vela import compile_model

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
class Work:
    """One operation of a network, as its segment runs it."""

    operation: Operation
    segment: int
    source: str
    """Name of its source operator; the segment's when unknown."""
    kind: str
    """Kind of the source operator; empty when unknown."""
    cycles: int
    """In its segment."""
    alone: OperationCycles
    mac_cycles: int
    """Cycles that its multiplications would take with every multiplier in use."""
    limit: str
    memory: str | None
    """Name of the memory that bounds it, if one does."""


@dataclass(frozen=True)
class Network:
    """A model of a container, taken apart."""

    model: Model
    system: SystemConfig
    work: tuple[Work, ...]


def networks(packed: Packed) -> list[Network]:
    """Take every model of a container apart."""
    config = npu_config(packed.image.accelerator)
    system = system_config(packed.application)
    names = {task.model: task.name for task in packed.image.tasks}
    return [
        Network(model, system, tuple(_work(packed, model, names.get(index), config, system)))
        for index, model in enumerate(packed.image.models)
    ]


def _work(
    packed: Packed, model: Model, task: str | None, config: NpuConfig, system: SystemConfig
) -> list[Work]:
    found: list[Work] = []
    streams = [parse(step.stream).operations for step in model.steps]
    # A segment's prologue loads tables again; those operations are not the network's own.
    own = [
        stream[len(stream) - step.operations :]
        for stream, step in zip(streams, model.steps, strict=True)
    ]
    sources = _sources(packed, task, [op for segment in own for op in segment])
    for segment, (stream, step) in enumerate(zip(streams, model.steps, strict=True)):
        timing = stream_cycles(stream, config, system).operations
        for op, timed in list(zip(stream, timing, strict=True))[len(stream) - step.operations :]:
            source, kind = sources[len(found)] if sources else (step.name, "")
            alone = operation_cycles(op, config, system)
            found.append(
                Work(
                    operation=op,
                    segment=segment,
                    source=source or kind or step.name,
                    kind=kind,
                    cycles=timed.cycles,
                    alone=alone,
                    mac_cycles=0 if op.is_dma else mac_cycles(op, config),
                    limit=LIMITS[alone.bound],
                    memory=_memory(op, alone.bound, system),
                )
            )
    return found


def _sources(
    packed: Packed, task: str | None, operations: Sequence[Operation]
) -> list[tuple[str, str]] | None:
    """Name and kind of each operation's source operator; None where the two do not correspond."""
    if task is None:
        return None
    application = packed.application
    settings = application.tasks[task]
    compiled = compile_model(
        application.resolve(settings.model), vela_options(application, settings)
    )
    original = compiled.stream.operations
    if [(o.key, o.param) for o in original] != [(o.key, o.param) for o in operations]:
        return None
    # Converters join the names of fused layers with semicolons; the first says enough.
    return [(o.source_name.split(";")[0], o.source_kind) for o in compiled.operations]


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


def segments(network: Network, live_bytes: Sequence[int]) -> list[dict[str, Any]]:
    """A network's segments.

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
        work = network.work[at : at + step.operations]
        found.append(
            {
                "name": step.name,
                "sources": list(dict.fromkeys(w.source for w in work)),
                "first_operation": step.first_operation,
                "operations": step.operations,
                "stream_size": len(step.stream),
                "nominal_cycles": step.nominal_cycles,
                "worst_cycles": step.worst_cycles,
                "limits": _limits(work),
                "live_bytes": live_bytes[at] if index else 0,
            }
        )
        at += step.operations
    return found


def layers(network: Network) -> list[dict[str, Any]]:
    """A network's source operators in order of their first operation.

    ``cycles`` is what its kernels take, ``mac_cycles`` what the multiplications alone would take,
    ``memory_cycles`` what the busiest memory needs for its traffic; ``dma_cycles`` may be hidden.
    """
    groups: dict[str, list[Work]] = {}
    for work in network.work:
        groups.setdefault(work.source, []).append(work)
    found = []
    for name, works in groups.items():
        kernels = [w for w in works if not w.operation.is_dma]
        timed = kernels or works
        memories = Counter[str]()
        for w in timed:
            if w.memory is not None:
                memories[w.memory] += w.cycles
        found.append(
            {
                "name": name,
                "kind": next((w.kind for w in works if w.kind), ""),
                "operations": len(works),
                "first_segment": works[0].segment,
                "last_segment": works[-1].segment,
                "cycles": sum(w.cycles for w in kernels),
                "dma_cycles": sum(w.cycles for w in works if w.operation.is_dma),
                "mac_cycles": sum(w.mac_cycles for w in works),
                "compute_cycles": sum(w.alone.compute for w in kernels),
                "memory_cycles": sum(w.alone.memory for w in kernels),
                "limits": _limits(timed),
                "memory": memories.most_common(1)[0][0] if memories else None,
            }
        )
    return found


def _limits(works: Sequence[Work]) -> dict[str, int]:
    """Cycles by what bounds them, the most first."""
    cycles = Counter[str]()
    for work in works:
        cycles[work.limit] += work.cycles
    return dict(cycles.most_common())
