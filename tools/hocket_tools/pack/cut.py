# SPDX-License-Identifier: Apache-2.0
"""A network cut into the steps of a container: segments for the NPU, programs for the processor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from hocket_host.ethosu.timing.system import SystemConfig
from hocket_host.ethosu.timing.timing import stream_cycles
from hocket_host.units import cycles_to_ns, ns_to_cycles

from .. import container as hkt
from ..plan import Placement
from ..prove.steps import CpuRun, Cycles, timed
from ..segment import Segment, choose, split
from ..tile import bound_tiles
from ..vela import CompiledModel, CpuOperator, Network
from ..vela.result import State, Tensor
from .primitives import Choice, scratch_bytes

_ALIGN = 16


@dataclass(frozen=True)
class Prepared:
    """A compiled network whose operators on the processor have their primitives."""

    network: Network
    choices: tuple[Choice, ...]
    system: SystemConfig

    def cpu_runs(self, npu_hz: int, cpu_hz: int, cycles: Cycles) -> tuple[CpuRun, ...]:
        """What the processor does, by the number of NPU *parts* that precede it."""
        choices = iter(self.choices)
        runs: list[CpuRun] = []
        before = 0
        for on_npu, parts in groupby(self.network.parts, lambda p: isinstance(p, CompiledModel)):
            if on_npu:
                before += len(list(parts))
                continue
            steps = [next(choices).timing() for _ in parts]
            runs += [
                replace(run, before=before) for run in timed(steps, npu_hz, cpu_hz, cycles).cpu_runs
            ]
        return tuple(runs)

    def bounded(self, max_cycles: int) -> Prepared:
        """The same with no NPU operation longer than so many cycles, where that can be had."""
        network = self.network
        read_only, size, fast = network.read_only, network.arena_size, network.fast_size
        parts: list[CompiledModel | CpuOperator] = []
        for part in network.parts:
            if not isinstance(part, CompiledModel):
                parts.append(part)
                continue
            # Each part adds to what the one before it has left of the shared data.
            given = replace(part, read_only=read_only)
            pieces = bound_tiles(given, max_cycles, self.system)
            read_only = pieces.read_only
            size = max(size, pieces.scratch_size)
            fast = max(fast, pieces.fast_scratch_size)
            parts.append(pieces)
        grown = replace(
            network, read_only=read_only, arena_size=size, fast_size=fast, parts=tuple(parts)
        )
        return replace(self, network=grown)

    def longest_operation(self) -> int:
        """NPU cycles of the longest operation."""
        return max(
            (
                operation.cycles
                for part in self.network.npu_parts
                for operation in stream_cycles(
                    part.stream.operations, part.npu, self.system
                ).operations
            ),
            default=0,
        )

    def cut(self, how: str | int) -> CutNetwork:
        """Cut in a given way: a mode of the splitter's, or the longest wanted segment in ns."""
        mode = how if isinstance(how, str) else max(ns_to_cycles(how, self.system.clock_hz), 1)
        segments = []
        for part in self.network.npu_parts:
            timing = stream_cycles(part.stream.operations, part.npu, self.system)
            lengths = [operation.cycles for operation in timing.operations]
            segments.append(tuple(split(part, choose(part, mode, lengths.__getitem__))))
        return CutNetwork(self, tuple(segments))


@dataclass(frozen=True)
class CutNetwork:
    """A network in segments."""

    prepared: Prepared
    segments: tuple[tuple[Segment, ...], ...]
    """Of each NPU part."""

    def placement(self, cpu_hz: int, cycles: Cycles) -> Placement:
        """Times of the segments and of the processor's work between them."""
        hz = self.prepared.system.clock_hz
        steps = [step for part in self._npu_steps() for step in part]
        lengths = [s.worst_cycles if cycles == "worst" else s.nominal_cycles for s in steps]
        counts = [sum(map(len, self.segments[:n])) for n in range(len(self.segments) + 1)]
        runs = self.prepared.cpu_runs(hz, cpu_hz, cycles)
        return Placement(
            (),
            tuple(cycles_to_ns(length, hz) for length in lengths),
            tuple(replace(run, before=counts[run.before]) for run in runs),
            timed(steps, hz, cpu_hz, cycles).least_ns,
        )

    def model(self, name: str, arena_offset: int) -> tuple[hkt.Model, int]:
        """The network as the container has it, and the bytes of the arena pool that it takes."""
        network = self.prepared.network
        read_only, steps, arena = self._steps()
        regions = [hkt.Region() for _ in range(8)]
        if read_only:
            regions[network.flash_region] = hkt.Region.read_only(read_only)
        size = 0
        lengths = {network.arena_region: arena}
        if network.fast_region is not None:
            lengths[network.fast_region] = network.fast_size
        for region, length in lengths.items():
            if length:
                regions[region] = hkt.Region.arena(arena_offset + size, length)
                size += _aligned(length)
        model = hkt.Model(
            name=name,
            regions=tuple(regions),
            inputs=tuple(_tensor(t) for t in network.inputs),
            outputs=tuple(_tensor(t) for t in network.outputs),
            steps=tuple(steps),
            arena_offset=arena_offset,
            arena_size=size,
            persistent=tuple(part for state in network.state for part in _persistent(state)),
        )
        return model, size

    def _steps(self) -> tuple[bytes, list[hkt.Step], int]:
        """Read-only data with the processor's constants, all steps, and the arena's size."""
        network = self.prepared.network
        scratch = None
        arena = network.arena_size
        needed = scratch_bytes(self.prepared.choices)
        if needed:
            scratch = hkt.Operand(network.arena_region, _aligned(arena), needed)
            arena = scratch.offset + needed
        data = bytearray(network.read_only)
        known: dict[bytes, hkt.Operand] = {}

        def placed(constant: bytes) -> hkt.Operand:
            if constant not in known:
                data.extend(bytes(-len(data) % _ALIGN))
                known[constant] = hkt.Operand(network.flash_region, len(data), len(constant))
                data.extend(constant)
            return known[constant]

        choices = iter(self.prepared.choices)
        segments = self._npu_steps()
        steps: list[hkt.Step] = []
        for part in network.parts:
            if isinstance(part, CompiledModel):
                steps += next(segments)
                continue
            choice = next(choices)
            constants = {index: placed(value) for index, value in choice.constants.items()}
            steps.append(choice.placed(constants, scratch))
        return bytes(data), steps, arena

    def _npu_steps(self) -> Iterator[list[hkt.Step]]:
        """Steps of each NPU part; operations are numbered through the network."""
        done = 0
        for part, segments in zip(self.prepared.network.npu_parts, self.segments, strict=True):
            yield [_timed(segment, done, part, self.prepared.system) for segment in segments]
            done += len(part.stream.operations)


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


def _tensor(tensor: Tensor) -> hkt.Tensor:
    return hkt.Tensor(
        name=tensor.name,
        shape=tensor.shape,
        dtype=hkt.DType[tensor.dtype.upper()],
        scale=float(np.float32(tensor.scale or 0.0)),
        zero_point=tensor.zero_point,
        region=tensor.region,
        offset=tensor.offset,
        size=tensor.size,
    )


def _persistent(state: State) -> Sequence[hkt.PersistentRange]:
    """A range that starts from one byte throughout, or from contents of its own."""
    region, offset, initial = state.region, state.offset, state.initial
    if initial == initial[:1] * len(initial):
        return [hkt.PersistentRange(region, offset, len(initial), initial[0])]
    return [hkt.PersistentRange(region, offset, len(initial), 0, initial)]


def _aligned(size: int) -> int:
    return -(-size // _ALIGN) * _ALIGN
