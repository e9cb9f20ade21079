# SPDX-License-Identifier: Apache-2.0
"""A network in segments, as the container's steps and with its times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_host.units import cycles_to_ns, ns_to_cycles

from .. import container as hkt
from ..plan import Placement
from ..prove.steps import Cycles, timed
from ..segment import Segment, choose, split
from ..vela import CompiledModel
from .place import PlacedNetwork


@dataclass(frozen=True)
class SegmentedNetwork:
    """A network whose NPU parts are cut into segments."""

    placed: PlacedNetwork
    segments: tuple[tuple[Segment, ...], ...]
    """Of each NPU part."""

    def placement(self, cpu_hz: int, cycles: Cycles) -> Placement:
        """Times of the segments and of the CPU's work between them."""
        hz = self.placed.system.clock_hz
        steps = [step for part in self.npu_steps for step in part]
        lengths = [s.worst_cycles if cycles == "worst" else s.nominal_cycles for s in steps]
        counts = [sum(map(len, self.segments[:n])) for n in range(len(self.segments) + 1)]
        runs = self.placed.cpu_runs(hz, cpu_hz, cycles)
        return Placement(
            (),
            tuple(cycles_to_ns(length, hz) for length in lengths),
            tuple(replace(run, before=counts[run.before]) for run in runs),
            timed(steps, hz, cpu_hz, cycles).least_ns,
        )

    @cached_property
    def npu_steps(self) -> tuple[tuple[hkt.Step, ...], ...]:
        """Steps of each NPU part; operations are numbered through the network."""
        parts = []
        done = 0
        for part, segments in zip(self.placed.network.npu_parts, self.segments, strict=True):
            parts.append(tuple(_timed(s, done, part, self.placed.system) for s in segments))
            done += len(part.stream.operations)
        return tuple(parts)


def segment_network(placed: PlacedNetwork, how: str | int) -> SegmentedNetwork:
    """Cut in a given way: a mode of `choose`, or the longest wanted segment in ns."""
    mode = how if isinstance(how, str) else max(ns_to_cycles(how, placed.system.clock_hz), 1)
    return SegmentedNetwork(
        placed,
        tuple(
            tuple(split(part, choose(part, mode, lengths.__getitem__)))
            for part, lengths in zip(placed.network.npu_parts, placed.operation_cycles, strict=True)
        ),
    )


def _timed(segment: Segment, done: int, part: CompiledModel, system: SystemConfig) -> hkt.Step:
    """A segment with the cycles of what it really holds: prologue, reloads and its own waits."""
    arguments = segment.stream.operations, part.npu, system
    return hkt.Step(
        name=segment.name,
        stream=segment.data,
        nominal_cycles=stream_cycles(*arguments).total_cycles,
        worst_cycles=stream_cycles(*arguments, worst=True).total_cycles,
        first_operation=done + segment.first,
        operations=segment.last - segment.first,
    )
