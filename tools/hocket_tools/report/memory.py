# SPDX-License-Identifier: Apache-2.0
"""Which bytes are used: a network's arena over its operations, and the container in flash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..container import Image, Model, PersistentRange, RegionKind, Tensor
from ..container.envelope import open_envelope
from ..container.format import SectionKind
from ..container.programs import encode
from ..segment.dataflow import ByteBox, ByteRange, Footprint, footprints, live_before
from .network import TimedNetwork

#: Owner of bytes that hold a value before the first operation.
GIVEN = -1
#: Blocks at one moment that can still be distinguished in a picture.
_MOST_BLOCKS = 48
#: Bytes of a row of NHCWB16 that belong together, whatever of them is used.
_BRICK = 16

Owners = NDArray[np.int32]
Block = tuple[int, int, int]
"""First byte, end, owner."""


class Lifetimes:
    """Which bytes of a network's arena hold a value that is still needed, and whose.

    Parameters
    ----------
    network
        A network of a container.
    """

    def __init__(self, network: TimedNetwork) -> None:
        self.model = network.model
        self._prints = footprints([work.operation for work in network.work])
        names = list(dict.fromkeys(work.source for work in network.work))
        self._layer = [names.index(work.source) for work in network.work]
        prints, places = _with_processor(network, self._prints)
        live = live_before(prints, _live_out(self.model))
        self.live: list[tuple[ByteRange, ...]] = [live[place] for place in places]
        self.live.append(_live_out(self.model))

    @property
    def live_bytes(self) -> list[int]:
        """Bytes needed before each operation, and after the last."""
        return [sum(r.size for r in ranges) for ranges in self.live]

    def blocks(self) -> list[list[int]]:
        """Rectangles of the arena map.

        Returns
        -------
        list of list of int
            ``[first byte, end byte, first operation, end operation, layer]`` with bytes counted
            from the start of the model's part of the pool and both ends exclusive. The layer is
            that which wrote the bytes, by order of appearance, or `GIVEN`. Small gaps between bytes
            that are needed are left out where there are very many.
        """
        owners = np.full(self.model.arena_size, GIVEN, dtype=np.int32)
        open_: dict[Block, int] = {}
        done: list[list[int]] = []
        for index, written in enumerate(self._prints):
            held = np.zeros(self.model.arena_size, dtype=np.bool_)
            self._mark(held, self.live[index])
            self._mark(held, self.live[index + 1])
            self._write(owners, written, self._layer[index])
            blocks = _blocks(held, owners)
            for block in [b for b in open_ if b not in blocks]:
                done.append([block[0], block[1], open_.pop(block), index, block[2]])
            for block in blocks:
                open_.setdefault(block, index)
        end = len(self._prints)
        done += [[p[0], p[1], first, end, p[2]] for p, first in open_.items()]
        return sorted(done, key=lambda block: (block[2], block[0]))

    def _place(self, region: int) -> int | None:
        """Where a region begins within the model's part of the pool."""
        found = self.model.regions[region]
        if found.kind != RegionKind.ARENA:
            return None
        return found.offset - self.model.arena_offset

    def _mark(self, held: NDArray[np.bool_], ranges: Iterable[ByteRange]) -> None:
        for r in ranges:
            base = self._place(r.region)
            if base is not None:
                held[base + r.start : base + r.end] = True

    def _write(self, owners: Owners, written: Footprint, layer: int) -> None:
        for box in written.writes:
            base = self._place(box.region)
            if base is None:
                continue
            mask = np.zeros(box.high, dtype=np.bool_)
            box.of(mask)[...] = True
            owners[base : base + box.high][mask] = layer


def _with_processor(
    network: TimedNetwork, prints: Sequence[Footprint]
) -> tuple[list[Footprint], list[int]]:
    """Footprints of both units in order, and where those of the NPU's operations are among them."""
    found: list[Footprint] = []
    places: list[int] = []
    at = 0
    for step in network.model.steps:
        if step.program is None:
            places += range(len(found), len(found) + step.operations)
            found += prints[at : at + step.operations]
            at += step.operations
            continue
        boxes = [
            tuple(ByteBox(o.region, o.offset, (o.size,), (1,)) for o in operands)
            for operands in (step.program.inputs, step.program.outputs)
        ]
        found.append(Footprint(*boxes))
    return found, places


def _blocks(held: NDArray[np.bool_], owners: Owners) -> set[Block]:
    """Runs of bytes with one owner, over growing gaps until they are few enough to be seen.

    Tensors with fewer channels than their bricks hold, or interleaved by rows, leave thousands.
    """
    runs = _runs(np.where(held, owners, GIVEN - 1), GIVEN - 1)
    for mixed in (False, True):
        gap = _BRICK
        while len(runs) > _MOST_BLOCKS and gap < 4 * held.size:
            runs = _closed(runs, gap, mixed)
            gap *= 4
    return set(runs)


def _closed(runs: Sequence[Block], gap: int, mixed: bool) -> list[Block]:
    """Join neighbours no more than ``gap`` apart, of one owner unless ``mixed``."""
    joined = [runs[0]]
    for start, end, owner in runs[1:]:
        first, last, before = joined[-1]
        if start - last <= gap and (mixed or owner == before):
            joined[-1] = (first, end, before)
        else:
            joined.append((start, end, owner))
    return joined


def _runs(values: Owners, empty: int) -> list[Block]:
    edges = np.flatnonzero(np.diff(values)) + 1
    starts = np.concatenate(([0], edges)) if values.size else edges
    ends = np.append(edges, values.size)
    return [
        (int(a), int(b), int(values[a]))
        for a, b in zip(starts, ends, strict=False)
        if values[a] != empty
    ]


def _live_out(model: Model) -> tuple[ByteRange, ...]:
    """What an inference leaves behind: outputs and state."""
    parts: list[Tensor | PersistentRange] = [*model.outputs, *model.persistent]
    return tuple(ByteRange(p.region, p.offset, p.offset + p.size) for p in parts)


def arena(network: TimedNetwork, lifetimes: Lifetimes) -> dict[str, Any]:
    """A network's arena over the course of an inference."""
    model = network.model
    return {
        "offset": model.arena_offset,
        "size": model.arena_size,
        "ends": [work.end for work in network.work],
        "live_bytes": lifetimes.live_bytes,
        "blocks": lifetimes.blocks(),
        "tensors": [
            {"name": tensor.name, "use": use, "offset": _offset(model, tensor), "size": tensor.size}
            for use, tensors in (("input", model.inputs), ("output", model.outputs))
            for tensor in tensors
        ]
        + [
            {"name": "", "use": "state", "offset": _offset(model, held), "size": held.size}
            for held in model.persistent
        ],
    }


def _offset(model: Model, part: Tensor | PersistentRange) -> int:
    return model.regions[part.region].offset - model.arena_offset + part.offset


def flash(image: Image, data: bytes) -> dict[str, Any]:
    """Layout of a container, which is read in place.

    Returns
    -------
    dict
        ``sections`` in order, and of the two large ones the ``parts`` with the models that use
        them; bytes from the start of the container.
    """
    envelope = open_envelope(data)
    sections = [
        {"name": kind.name.lower(), "offset": s.offset, "size": s.size}
        for kind, s in envelope.sections.items()
    ]
    users: dict[tuple[int, int, str], list[str]] = {}
    region = step = 0
    for model in image.models:
        for place in model.regions:
            if place.kind == RegionKind.READ_ONLY:
                offset = int(envelope.record(SectionKind.REGIONS, region)[1].offset)
                _use(users, offset, place.size, "weights and constants", model.name)
            region += 1
        for segment in model.steps:
            offset = int(envelope.record(SectionKind.STEPS, step)[1].stream_offset)
            _use(users, offset, len(encode(segment)), "command streams", model.name)
            step += 1
    return {
        "size": len(data),
        "sections": sections,
        "parts": _joined(users),
    }


def _use(
    users: dict[tuple[int, int, str], list[str]], offset: int, size: int, what: str, model: str
) -> None:
    names = users.setdefault((offset, size, what), [])
    if size and model not in names:
        names.append(model)


def _joined(users: dict[tuple[int, int, str], list[str]]) -> list[dict[str, Any]]:
    """Neighbours of the same use and users as one part."""
    parts: list[dict[str, Any]] = []
    for (offset, size, what), models in sorted(users.items()):
        last = parts[-1] if parts else None
        if last is not None and (last["what"], last["models"]) == (what, models):
            last["size"] = offset + size - last["offset"]
        elif models:
            parts.append({"what": what, "models": models, "offset": offset, "size": size})
    return parts


def pool(image: Image, models: Sequence[Model], available: int) -> dict[str, Any]:
    """The board's pool of arenas and which part each model has."""
    return {
        "available": available,
        "size": image.arena_size,
        "parts": [
            {"model": m.name, "offset": m.arena_offset, "size": m.arena_size} for m in models
        ],
    }
