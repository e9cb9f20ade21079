# SPDX-License-Identifier: Apache-2.0
"""Where tensors of a network for both units lie: Vela's plan, and what it leaves out behind it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..segment.dataflow import ByteRange
from ..tflite.model import TfliteModel, TfliteTensor
from .options import VelaError

#: Base pointers of a driver, in the order of an ethos-u operator's inputs after the stream.
FLASH, ARENA, FAST = 0, 1, 2

ALIGNMENT = 16
_PLAN = "OfflineMemoryAllocation"
_HEADER = struct.Struct("<iii")


def tensor_bytes(tensor: TfliteTensor) -> int:
    """Size of a tensor's contents.

    Raises
    ------
    VelaError
        Its element type has no fixed size.
    """
    try:
        return tensor.elements * np.dtype(tensor.dtype).itemsize
    except TypeError:
        raise VelaError(
            "an element type that neither unit has",
            where=f"tensor '{tensor.name}'",
            found=tensor.dtype,
            expected="int8, uint8, int16, int32, int64, bool or float32",
            try_="quantise the model to int8",
        ) from None


def planned_offsets(graph: TfliteModel) -> tuple[int, ...]:
    """Arena offset of every tensor of the main graph by Vela's plan; -1 where it has none.

    Raises
    ------
    VelaError
        The plan is not for this graph.
    """
    tensors = graph.main.tensors
    plan = graph.metadata.get(_PLAN, b"")
    offsets: tuple[int, ...] = ()
    if len(plan) >= _HEADER.size:
        _, _, count = _HEADER.unpack_from(plan)
        if count >= 0 and len(plan) == _HEADER.size + 4 * count:
            offsets = struct.unpack_from(f"<{count}i", plan, _HEADER.size)
    # Those of the graphs that initialise variables follow.
    if len(offsets) != sum(len(g.tensors) for g in graph.subgraphs):
        raise VelaError(
            "Vela's memory plan does not fit its graph",
            found=f"{len(plan)} bytes for {len(offsets)} tensors",
            expected="every tensor of the file",
            try_="use the version of ethos-u-vela that Hocket asks for",
        )
    return offsets[: len(tensors)]


@dataclass(frozen=True)
class Lifetime:
    """When a tensor without a place is in use: positions of operators, both inclusive."""

    tensor: int
    size: int
    first: int
    last: int


class Extension:
    """The part of the arena behind what Vela planned.

    Parameters
    ----------
    start
        Where Vela's plan ends.
    """

    def __init__(self, start: int) -> None:
        self.end = _aligned(start)

    def keep(self, size: int) -> ByteRange:
        """Place something that outlives every inference."""
        place = ByteRange(ARENA, self.end, self.end + size)
        self.end = _aligned(place.end)
        return place

    def share(self, lifetimes: Sequence[Lifetime]) -> dict[int, ByteRange]:
        """Place tensors so that those in use together do not overlap, the largest first."""
        base = self.end
        placed: dict[int, tuple[ByteRange, Lifetime]] = {}
        for life in sorted(lifetimes, key=lambda life: (-life.size, life.first, life.tensor)):
            at = base
            overlapping = sorted(
                place
                for place, other in placed.values()
                if other.first <= life.last and life.first <= other.last
            )
            for other in overlapping:
                if at + life.size <= other.start:
                    break
                at = max(at, _aligned(other.end))
            placed[life.tensor] = (ByteRange(ARENA, at, at + life.size), life)
            self.end = max(self.end, _aligned(at + life.size))
        return {tensor: place for tensor, (place, _) in placed.items()}


def lifetimes(
    graph: TfliteModel, wanted: Mapping[int, int], order: Sequence[int]
) -> list[Lifetime]:
    """Lifetimes of tensors, by size, over operators in their order of execution."""
    uses: dict[int, list[int]] = {tensor: [] for tensor in wanted}
    for position, index in enumerate(order):
        operator = graph.main.operators[index]
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor in uses:
                uses[tensor].append(position)
    for tensor in graph.main.inputs:
        if tensor in uses:
            uses[tensor].append(-1)
    for tensor in graph.main.outputs:
        if tensor in uses:
            uses[tensor].append(len(order))
    return [Lifetime(t, wanted[t], min(at), max(at)) for t, at in uses.items() if at]


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
