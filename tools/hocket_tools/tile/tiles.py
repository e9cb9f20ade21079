# SPDX-License-Identifier: Apache-2.0
"""A kernel in tiles: what each computes, with which weights, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Span
from hocket_host.ethosu.stream.operation import Operation

from .weights import Encoded
from .window import OfmBox, Registers


@dataclass(frozen=True)
class Tile:
    """Part of a kernel."""

    op: Operation
    """Its registers; bases of weights and scales are still the whole kernel's for a slice."""
    box: OfmBox
    """What it computes of the kernel's OFM."""
    cycles: int
    """Running alone."""
    encoded: Encoded | None = None
    """Weights and scales of a slice of channels; None where the kernel's own serve."""
    follows: bool = False
    """Whether it works on scratch that earlier kernels used: it must not overlap any."""


@dataclass(frozen=True)
class Cutting:
    """One way to cut a kernel; tiles in order of execution, slices of channels outermost."""

    tiles: tuple[Tile, ...]

    @property
    def cycles(self) -> int:
        """Sum of the tiles, each running alone."""
        return sum(t.cycles for t in self.tiles)

    @property
    def longest(self) -> int:
        """Cycles of the longest tile."""
        return max(t.cycles for t in self.tiles)

    @property
    def slices(self) -> tuple[tuple[Tile, ...], ...]:
        """Tiles by slice of channels."""
        found: dict[int, list[Tile]] = {}
        for tile in self.tiles:
            found.setdefault(tile.box.c0, []).append(tile)
        return tuple(tuple(tiles) for tiles in found.values())

    @property
    def cost(self) -> tuple[int, int]:
        """What the best has least of: cycles, then tiles."""
        return self.cycles, len(self.tiles)


def weight_registers(encoded: Encoded, weights: Span | None, scales: Span) -> Registers:
    """Registers that lead a kernel to weights and scales of a slice, placed as the spans say."""
    found = {
        int(Cmd.SCALE_REGION): scales.region,
        int(Cmd.SCALE_BASE): scales.start,
        int(Cmd.SCALE_LENGTH): len(encoded.scales),
    }
    if weights is not None:
        found |= {
            int(Cmd.WEIGHT_REGION): weights.region,
            int(Cmd.WEIGHT_BASE): weights.start,
            int(Cmd.WEIGHT_LENGTH): len(encoded.weights),
        }
    return found
