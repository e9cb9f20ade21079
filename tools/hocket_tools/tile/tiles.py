# SPDX-License-Identifier: Apache-2.0
"""A kernel in pieces: what each computes, with which weights, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operation import Operation, Span

from .weights import Encoded
from .window import Box, Registers


@dataclass(frozen=True)
class Piece:
    """Part of a kernel."""

    op: Operation
    """Its registers; bases of weights and scales are still the whole kernel's for a slice."""
    box: Box
    """What it computes of the kernel's OFM."""
    cycles: int
    """Running alone."""
    encoded: Encoded | None = None
    """Weights and scales of a slice of channels; None where the kernel's own serve."""
    follows: bool = False
    """Whether it works on scratch that earlier kernels used: it must not overlap any."""


@dataclass(frozen=True)
class Cutting:
    """One way to cut a kernel; pieces in order of execution, slices of channels outermost."""

    pieces: tuple[Piece, ...]

    @property
    def cycles(self) -> int:
        """Sum of the pieces, each running alone."""
        return sum(p.cycles for p in self.pieces)

    @property
    def longest(self) -> int:
        """Cycles of the longest piece."""
        return max(p.cycles for p in self.pieces)

    @property
    def slices(self) -> tuple[tuple[Piece, ...], ...]:
        """Pieces by slice of channels."""
        found: dict[int, list[Piece]] = {}
        for piece in self.pieces:
            found.setdefault(piece.box.c0, []).append(piece)
        return tuple(tuple(pieces) for pieces in found.values())

    @property
    def cost(self) -> tuple[int, int]:
        """What the best has least of: cycles, then pieces."""
        return self.cycles, len(self.pieces)


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
