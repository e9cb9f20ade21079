# SPDX-License-Identifier: Apache-2.0
"""Places from the compiler: inputs, outputs, state, and the regions that a stream stays in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hocket_host.units import format_size

from ..segment.dataflow import ByteRange, Footprint
from ..tflite.model import TfliteModel, TfliteTensor
from .options import VelaError
from .result import CompiledModel, PlacedTensor, State

#: Beyond any board's memory, and little enough to be looked at byte by byte.
MOST_ARENA = 128 << 20


def check_reach(model: CompiledModel, prints: Sequence[Footprint]) -> None:
    """Check that the stream stays in the regions that the compiler declares."""
    regions = model.regions
    for index, p in enumerate(prints):
        for box in p.reads + p.writes:
            if box.high > regions.get(box.region, 0):
                raise VelaError(
                    "the command stream reaches outside its regions",
                    where=f"operation {index}",
                    found=f"byte {box.high - 1} of region {box.region}",
                    expected=", ".join(f"region {r}: {n} bytes" for r, n in regions.items()),
                )


def check_arena(size: int) -> None:
    """Refuse an arena that no such device has, before anything is laid out in it."""
    if size > MOST_ARENA:
        raise VelaError(
            "the network's tensors are too large for any microcontroller",
            found=f"{format_size(size)} of arena",
            expected=f"at most {format_size(MOST_ARENA)}",
            try_="a smaller input, or a smaller network",
        )


def tensors_of(
    what: str, placed: Sequence[dict[str, Any]], source: TfliteModel, indices: Sequence[int]
) -> tuple[PlacedTensor, ...]:
    """Pair the placed tensors, which have no names, with the source's, in their common order."""
    named = [source.main.tensors[i] for i in indices]
    fits = len(placed) == len(named) and all(
        place["size"] == t.elements * np.dtype(t.dtype).itemsize
        for place, t in zip(placed, named, strict=True)
    )
    if not fits:
        raise VelaError(
            f"the {what}s of the compiled model are not those of the source",
            found=f"{[p['size'] for p in placed]} bytes",
            expected=", ".join(f"'{t.name}' {t.dtype}{list(t.shape)}" for t in named),
            try_=f"remove {what}s that no operator uses, and {what}s that pass straight through",
        )
    return tuple(_tensor(place, t) for place, t in zip(placed, named, strict=True))


def _tensor(place: dict[str, Any], named: TfliteTensor) -> PlacedTensor:
    q = named.quantization
    return PlacedTensor(
        name=named.name,
        shape=named.shape,
        dtype=named.dtype,
        scale=None if q is None else q.scales[0],
        zero_point=0 if q is None else q.zero_points[0],
        region=place["region"],
        offset=place["address"],
        size=place["size"],
    )


def state_of(
    variables: Sequence[dict[str, Any]],
    exposed: Sequence[ByteRange],
    inputs: Sequence[ByteRange],
) -> tuple[tuple[State, ...], tuple[ByteRange, ...]]:
    """State that an inference reads before it writes it, and what it reads that nobody wrote.

    Vela lists a variable tensor once for every operator that it was unrolled into, all at the same
    address. The initial value is TFLite's reset rule: an int8 tensor is filled with its zero point,
    any other with zero bytes.
    """
    end = max([0, *(r.end for r in exposed), *(v["address"] + v["size"] for v in variables)])
    regions = {r.region for r in exposed} | {v["region"] for v in variables}
    state: list[State] = []
    undefined: list[ByteRange] = []
    for region in sorted(regions):
        read = np.zeros(end, dtype=np.bool_)
        for r in exposed:
            if r.region == region:
                read[r.start : r.end] = True
        for r in inputs:
            if r.region == region:
                read[r.start : r.end] = False
        value = np.zeros(end, dtype=np.uint8)
        owner = np.zeros(end, dtype=np.int64)
        for v in variables:
            if v["region"] == region:
                where = slice(v["address"], v["address"] + v["size"])
                owner[where] = 1 + v["address"]
                if v["element_size"] == 1 and v["zero_point"]:
                    value[where] = v["zero_point"][0] & 0xFF
        owner[~read] = 0
        for start, stop in _runs(owner):
            initial = value[start:stop].tobytes()
            state.append(State(region, start, initial))
        read[owner > 0] = False
        undefined += [ByteRange(region, a, b) for a, b in _runs(read.astype(np.int64))]
    return tuple(state), tuple(undefined)


def _runs(values: np.ndarray[Any, np.dtype[np.int64]]) -> list[tuple[int, int]]:
    """Half-open runs of one non-zero value each."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [(a, b) for a, b in pairwise(edges) if a < b and values[a]]
