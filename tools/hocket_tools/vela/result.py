# SPDX-License-Identifier: Apache-2.0
"""What a compilation gives: everything needed to place, split, run and explain a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.operation import CommandStream, parse

from ..splitter.dataflow import ByteRange
from ..splitter.network import Analysis
from .debug import NpuOperation


@dataclass(frozen=True)
class Tensor:
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


@dataclass(frozen=True)
class CompiledModel:
    """One network compiled for one accelerator."""

    npu: NpuConfig
    system_config: str
    memory_mode: str
    command_stream: bytes
    """Command words, without the driver header, ending in NPU_OP_STOP."""
    read_only: bytes
    """Weights, scales and tables for the flash region."""
    scratch_size: int
    """Bytes of the arena region."""
    fast_scratch_size: int
    """Bytes of the fast scratch region; 0 when the arena serves for it."""
    flash_region: int
    arena_region: int
    fast_region: int | None
    """Region index of the fast scratch; None when there is none of its own."""
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    state: tuple[State, ...]
    """Persistent ranges, disjoint and in order of address."""
    vela_cycles: int
    """Vela's estimate for one inference, in NPU cycles."""
    macs: int
    """Multiply-accumulates of one inference."""
    operations: tuple[NpuOperation, ...]
    """One for each operation of the stream, in order."""
    undefined_reads: tuple[ByteRange, ...] = field(default=())
    """Scratch read before it was written that is neither input nor state; normally none."""

    @property
    def regions(self) -> dict[int, int]:
        """Size in bytes of each region, by region index."""
        found = {self.flash_region: len(self.read_only), self.arena_region: self.scratch_size}
        if self.fast_region is not None:
            found[self.fast_region] = self.fast_scratch_size
        return found

    @property
    def live_out(self) -> tuple[ByteRange, ...]:
        """Bytes that must hold their value when an inference ends: outputs and state."""
        return tuple(t.range for t in self.outputs) + tuple(s.range for s in self.state)

    @cached_property
    def stream(self) -> CommandStream:
        """The command stream, parsed."""
        return parse(self.command_stream)

    @cached_property
    def analysis(self) -> Analysis:
        """What the splitter works out of it, once."""
        return Analysis(self)
