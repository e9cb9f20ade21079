# SPDX-License-Identifier: Apache-2.0
"""What a compilation gives: everything needed to place, split, run and explain a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.stream.command_stream import CommandStream, parse

from ..cpu import SourceOperator
from ..segment.dataflow import ByteRange
from ..segment.network import Analysis
from .debug import NpuOperation


@dataclass(frozen=True)
class PlacedTensor:
    """An input or output as the source model names it and the command stream places it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """numpy's name of the element type."""
    scale: float | None
    zero_point: int
    region: int
    offset: int
    """Byte offset in its region."""
    size: int
    """Bytes."""

    @property
    def range(self) -> ByteRange:
        """Its bytes."""
        return ByteRange(self.region, self.offset, self.offset + self.size)


@dataclass(frozen=True)
class State:
    """Bytes of the scratch that carry a value from one inference to the next."""

    region: int
    offset: int
    initial: bytes
    """What must stand there before the first inference, by the source format's reset rule."""

    @property
    def range(self) -> ByteRange:
        """Its bytes."""
        return ByteRange(self.region, self.offset, self.offset + len(self.initial))


@dataclass(frozen=True, kw_only=True)
class Compilation:
    """What is known of a compiled network, on the NPU alone or on both units."""

    npu: NpuConfig
    system_config: str
    memory_mode: str
    read_only: bytes
    """Weights, scales and tables for the flash region."""
    flash_region: int
    arena_region: int
    fast_region: int | None
    """Region index of the fast scratch; None when there is none of its own."""
    inputs: tuple[PlacedTensor, ...]
    outputs: tuple[PlacedTensor, ...]
    state: tuple[State, ...]
    """Persistent ranges, of both units, disjoint and in order of address."""
    vela_cycles: int
    """Vela's estimate for one inference, in NPU cycles."""
    macs: int
    """Multiply-accumulates of one inference."""
    undefined_reads: tuple[ByteRange, ...] = ()
    """Scratch read before it was written that is neither input nor state; normally none."""


@dataclass(frozen=True, kw_only=True)
class CompiledModel(Compilation):
    """One network, or a part of one, as a single command stream."""

    command_stream: bytes
    """Command words, without the driver header, ending in NPU_OP_STOP."""
    scratch_size: int
    """Bytes of the arena region."""
    fast_scratch_size: int
    """Bytes of the fast scratch region; 0 when the arena serves for it."""
    operations: tuple[NpuOperation, ...]
    """One for each operation of the stream, in order."""
    kept: tuple[ByteRange, ...] = ()
    """Bytes of any region that other parts of the network need after this one."""

    @property
    def regions(self) -> dict[int, int]:
        """Size in bytes of each region, by region index."""
        found = {self.flash_region: len(self.read_only), self.arena_region: self.scratch_size}
        if self.fast_region is not None:
            found[self.fast_region] = self.fast_scratch_size
        return found

    @property
    def live_out(self) -> tuple[ByteRange, ...]:
        """Scratch that must hold its value at the end: outputs, state, what other parts read."""
        kept = tuple(r for r in self.kept if r.region != self.flash_region)
        return tuple(t.range for t in self.outputs) + tuple(s.range for s in self.state) + kept

    @cached_property
    def stream(self) -> CommandStream:
        """The command stream, parsed."""
        return parse(self.command_stream)

    @cached_property
    def analysis(self) -> Analysis:
        """Its dependencies, derived once."""
        return Analysis(self)


@dataclass(frozen=True)
class CpuOperator:
    """An operator that stays on the CPU."""

    name: str
    """Layer name; the variable's where the operator has no output."""
    source: SourceOperator
    """As the operator library takes it; constants are in its tensors."""
    source_index: int | None
    """Index of the operator in the source file; None when Vela made it."""
    places: Mapping[int, ByteRange]
    """Where its tensors lie that are not constant, by their index in ``source``."""
    chosen: bool = False
    """Whether the user put it there."""


Part = CompiledModel | CpuOperator


@dataclass(frozen=True, kw_only=True)
class Network(Compilation):
    """One network compiled for both units: its parts in the order of execution.

    Parts for the NPU have no inputs or outputs of their own and share one read-only region; they
    are ``CompiledModel`` so that they are cut like a whole network.
    """

    arena_size: int
    """Bytes of the arena region: Vela's scratch, and behind it what Vela did not place."""
    fast_size: int
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, model: CompiledModel) -> Network:
        """A network that is wholly on the NPU."""
        return cls(
            arena_size=model.scratch_size,
            fast_size=model.fast_scratch_size,
            parts=(model,),
            **{f.name: getattr(model, f.name) for f in fields(Compilation)},
        )

    @property
    def npu_parts(self) -> tuple[CompiledModel, ...]:
        """The parts for the NPU, in order."""
        return tuple(part for part in self.parts if isinstance(part, CompiledModel))

    @property
    def cpu_operators(self) -> tuple[CpuOperator, ...]:
        """The operators on the CPU, in order."""
        return tuple(part for part in self.parts if isinstance(part, CpuOperator))
