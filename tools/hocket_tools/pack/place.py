# SPDX-License-Identifier: Apache-2.0
"""Third stage of packing: how, and in which memory, the CPU runs what Vela leaves to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby

from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import stream_cycles

from ..app.notes import Layer
from ..cpu import costs
from ..prove.steps import CpuRun, Cycles, timed
from ..tile import bound_tiles
from ..vela import CompiledModel, CpuOperator, Network
from .primitives import Choice, choose_primitives
from .target import Target


@dataclass(frozen=True)
class PlacedNetwork:
    """A compiled network whose operators on the CPU have their primitives."""

    network: Network
    choices: tuple[Choice, ...]
    system: SystemConfig

    def cpu_runs(self, npu_hz: int, cpu_hz: int, cycles: Cycles) -> tuple[CpuRun, ...]:
        """What the CPU does, by the number of NPU *parts* that precede it."""
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

    def tiled(self, max_cycles: int) -> PlacedNetwork:
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
            tiles = bound_tiles(given, max_cycles, self.system)
            read_only = tiles.read_only
            size = max(size, tiles.scratch_size)
            fast = max(fast, tiles.fast_scratch_size)
            parts.append(tiles)
        grown = replace(
            network, read_only=read_only, arena_size=size, fast_size=fast, parts=tuple(parts)
        )
        return replace(self, network=grown)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Source operator of each NPU operation."""
        # Converters join the names of fused layers with semicolons; the first says enough.
        return tuple(
            (operation.source_name.split(";")[0], operation.source_kind)
            for part in self.network.npu_parts
            for operation in part.operations
        )

    @cached_property
    def operation_cycles(self) -> tuple[tuple[int, ...], ...]:
        """NPU cycles of each operation, by part."""
        return tuple(
            tuple(
                operation.cycles
                for operation in stream_cycles(
                    part.stream.operations, part.npu, self.system
                ).operations
            )
            for part in self.network.npu_parts
        )

    @property
    def longest_operation(self) -> int:
        """NPU cycles of the longest operation."""
        return max((cycles for part in self.operation_cycles for cycles in part), default=0)


def place_operators(
    target: Target, networks: Iterable[tuple[str, Network]]
) -> dict[str, PlacedNetwork]:
    """Choose a primitive for every operator on the CPU, within each task's SRAM budget.

    Raises
    ------
    PrimitiveError
        The operators of a network do not fit its budget.
    """
    placed = {}
    for name, network in networks:
        with costs.using(target.operator_costs):
            choices = choose_primitives(
                network,
                sram_bytes=target.application.tasks[name].sram,
                where=f"{target.application.path}: tasks.{name}.sram",
            )
        placed[name] = PlacedNetwork(network, choices, target.system)
    return placed
