# SPDX-License-Identifier: Apache-2.0
"""Copies along strides, and how they are packed into steps: see ``hocket.ops.move``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..container.device import Words, constants, words
from ..tflite.model import TfliteTensor
from .costs import STEP_CYCLES, Work, spent, work
from .packing import PackedOperator, element_bytes, packed

_PARAMETERS = Words("ops.move")
_COPY = Words("ops.move", "a copy")
_CODES = constants("ops.move")
_AXES = _COPY.width("sizes")
_ROW_BYTES = 512
_MOST_BLOCKS = 16
_LONG_BYTES = 1024
_WORD = 4


@dataclass(frozen=True)
class Copy:
    """Elements of a box, from strides of one tensor to strides of another; all in bytes."""

    source: int
    """Index of the operand; -1 to fill with `value`."""
    target: int
    run: int
    """Contiguous bytes of one element."""
    shape: tuple[int, ...]
    read: tuple[int, ...]
    written: tuple[int, ...]
    read_at: int = 0
    written_at: int = 0
    value: int = 0


def strides(shape: Sequence[int], size: int) -> tuple[int, ...]:
    """Strides of a tensor in bytes."""
    return tuple(size * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def simplified(copy: Copy) -> Copy:
    """The same copy with fewer axes and longer runs."""
    axes = [
        (n, a, b) for n, a, b in zip(copy.shape, copy.read, copy.written, strict=True) if n != 1
    ]
    run = copy.run
    merged: list[tuple[int, int, int]] = []
    for n, a, b in reversed(axes):
        if not merged and a == run and b == run and copy.source >= 0:
            run *= n
        elif merged and a == merged[-1][0] * merged[-1][1] and b == merged[-1][0] * merged[-1][2]:
            last = merged[-1]
            merged[-1] = (last[0] * n, last[1], last[2])
        else:
            merged.append((n, a, b))
    found = list(reversed(merged))
    return replace(
        copy,
        run=run,
        shape=tuple(n for n, _, _ in found),
        read=tuple(a for _, a, _ in found),
        written=tuple(b for _, _, b in found),
    )


def _bounded(copy: Copy) -> list[Copy]:
    """Copies whose rows a step can hold."""
    if copy.run > _ROW_BYTES:
        # A long run is rows of some bytes and a rest.
        whole, rest = divmod(copy.run, _ROW_BYTES)
        parts = [
            replace(
                copy,
                run=_ROW_BYTES,
                shape=(*copy.shape, whole, 1),
                read=(*copy.read, _ROW_BYTES, 0),
                written=(*copy.written, _ROW_BYTES, 0),
            )
        ]
        if rest:
            at = whole * _ROW_BYTES
            parts += _bounded(
                replace(copy, run=rest, read_at=copy.read_at + at, written_at=copy.written_at + at)
            )
        return parts
    shape = copy.shape or (1,)
    read, written = copy.read or (0,), copy.written or (0,)
    inner = shape[-1]
    most = max(1, _row_room() // _run(copy).cycles)
    if inner <= most:
        return [replace(copy, shape=shape, read=read, written=written)]
    whole, rest = divmod(inner, most)
    parts = [
        replace(
            copy,
            shape=(*shape[:-1], whole, most),
            read=(*read[:-1], read[-1] * most, read[-1]),
            written=(*written[:-1], written[-1] * most, written[-1]),
        )
    ]
    if rest:
        parts.append(
            replace(
                copy,
                shape=(*shape[:-1], rest),
                read=read,
                written=written,
                read_at=copy.read_at + whole * most * read[-1],
                written_at=copy.written_at + whole * most * written[-1],
            )
        )
    return parts


def _split_axes(copy: Copy) -> list[Copy]:
    """Copies of at most five axes."""
    if len(copy.shape) <= _AXES:
        return [copy]
    return [
        part
        for i in range(copy.shape[0])
        for part in _split_axes(
            replace(
                copy,
                shape=copy.shape[1:],
                read=copy.read[1:],
                written=copy.written[1:],
                read_at=copy.read_at + i * copy.read[0],
                written_at=copy.written_at + i * copy.written[0],
            )
        )
    ]


def _run(copy: Copy) -> Work:
    return work("move", byte=1) if copy.run == 1 else work("move", run=1, run_byte=copy.run)


def _row(copy: Copy) -> Work:
    return work("move", row=1) + _run(copy) * copy.shape[-1]


def _row_room() -> int:
    """Cycles of a step for the elements of a row."""
    return STEP_CYCLES - work("move", step=1, strided=1, row=1).cycles


def pack_copies(
    copies: Sequence[Copy],
    sources: Sequence[TfliteTensor],
    targets: Sequence[TfliteTensor],
    primitive: str,
) -> PackedOperator | None:
    """Pack copies that are done in order, by blocks where they are few and long, or by strides."""
    simple = [simplified(c) for c in copies if math.prod(c.shape)]
    if primitive == "block":
        blocks = _blocks(simple)
        if blocks is None:
            return None
        some, works = _steps([_block(a, b, n) for _, _, a, b, n in blocks])
        params = _PARAMETERS.pack(primitive=_CODES["BLOCKS"], chunk=some, copies=len(blocks))
        params += b"".join(words(*block) for block in blocks)
    else:
        parts = [p for c in simple for b in _bounded(c) for p in _split_axes(b)]
        if not parts:
            return None
        chunk = max(1, _row_room() // max(_row(p).cycles for p in parts))
        params = _PARAMETERS.pack(primitive=_CODES["STRIDED"], chunk=chunk, copies=len(parts))
        params += b"".join(_packed(p) for p in parts)
        works, rows_at_once = [], work("move", strided=1)
        for part in parts:
            rows = math.prod(part.shape[:-1])
            works += [rows_at_once + _row(part) * chunk] * (rows // chunk)
            works += [rows_at_once + _row(part) * (rows % chunk)] if rows % chunk else []
    total = work("move")
    for step in works:
        total += step
    return packed(
        "move",
        primitive,
        params,
        inputs=sources,
        outputs=targets,
        spent=spent(len(works), max(works, key=lambda w: w.cycles), total),
    )


def _packed(copy: Copy) -> bytes:
    lead = (1,) * (_AXES - len(copy.shape))
    still = (0,) * len(lead)
    return _COPY.pack(
        source=_CODES["FILL"] if copy.source < 0 else copy.source, target=copy.target,
        value=copy.value, run=copy.run, sizes=(*lead, *copy.shape), read=(*still, *copy.read),
        written=(*still, *copy.written), read_at=copy.read_at, written_at=copy.written_at,
    )  # fmt: skip


def _blocks(copies: Sequence[Copy]) -> list[tuple[int, int, int, int, int]] | None:
    """Blocks of (source, target, from, to, bytes), or None where there are too many."""
    found: list[tuple[int, int, int, int, int]] = []
    size = 0
    for copy in copies:
        if copy.source < 0 or math.prod(copy.shape) > _MOST_BLOCKS:
            return None
        for place in np.ndindex(*copy.shape):
            a = copy.read_at + sum(i * s for i, s in zip(place, copy.read, strict=True))
            b = copy.written_at + sum(i * s for i, s in zip(place, copy.written, strict=True))
            size += copy.run
            found += [(copy.source, copy.target, *part) for part in _parts(a, b, copy.run)]
    # What is empty still takes a step.
    found = found or [(0, 0, 0, 0, 0)]
    return found if len(found) <= max(_MOST_BLOCKS, size // _LONG_BYTES) else None


def _block(a: int, b: int, n: int) -> Work:
    # Tensors begin at multiples of 16, and words are copied where both sides begin at one.
    if (a | b) % _WORD:
        return work("move", block=1, block_byte=n)
    return work("move", block=1, block16=-(-n // 16))


def _parts(a: int, b: int, n: int) -> list[tuple[int, int, int]]:
    """(from, to, bytes) of blocks that a step can hold, the most of them words."""
    head = -a % _WORD
    if head and n > head and (a - b) % _WORD == 0:
        apart = _block(a, b, head) + _block(a + head, b + head, n - head)
        if apart.cycles < _block(a, b, n).cycles:
            return [(a, b, head), *_parts(a + head, b + head, n - head)]
    room = STEP_CYCLES - work("move", step=1, block=1).cycles
    if (a | b) % _WORD:
        most = room // work("move", block_byte=1).cycles // _WORD * _WORD
    else:
        most = room // work("move", block16=1).cycles * 16
    return [(a + at, b + at, min(most, n - at)) for at in range(0, n, most)]


def _steps(blocks: Sequence[Work]) -> tuple[int, list[Work]]:
    """How many blocks a step does, as many as are short enough together, and what steps do."""
    for some in range(len(blocks), 0, -1):
        steps = []
        for first in range(0, len(blocks), some):
            steps.append(sum(blocks[first + 1 : first + some], blocks[first]))
        if max(w.cycles for w in steps) <= STEP_CYCLES - work("move", step=1).cycles:
            break
    return some, steps


def whole(source: TfliteTensor, target: int = 0, operand: int = 0) -> Copy:
    """All elements of a tensor as they lie."""
    size = element_bytes(source)
    steps = strides(source.shape, size)
    return Copy(operand, target, size, source.shape, steps, steps)


CopyPlan = tuple[list[Copy], list[TfliteTensor], list[TfliteTensor]]
"""Copies in order, and the tensors that they read and write."""
