# SPDX-License-Identifier: Apache-2.0
"""Operators that only move elements, as copies along strides."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..tflite import TfliteTensor
from .costs import STEP_CYCLES, Work, spent, work
from .packing import Packed, element_bytes, packed, per_tensor, words
from .registry import Operator, register
from .source import SourceOperator, constant

_FILL = 255
_AXES = 5
_ROW_BYTES = 512
_MOST_BLOCKS = 16
_BLOCK_BYTES = 16384


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
    return STEP_CYCLES - work("move", step=1, row=1).cycles


def pack_copies(
    copies: Sequence[Copy],
    sources: Sequence[TfliteTensor],
    targets: Sequence[TfliteTensor],
    primitive: str,
) -> Packed | None:
    """Pack copies that are done in order, by blocks where they are few and long, or by strides."""
    simple = [simplified(c) for c in copies if math.prod(c.shape)]
    if primitive == "block":
        blocks = _blocks(simple)
        if blocks is None:
            return None
        params = words(0, 1, len(blocks), *(value for block in blocks for value in block))
        works = [work("move", block=1, block16=-(-block[4] // 16)) for block in blocks]
    else:
        pieces = [p for c in simple for b in _bounded(c) for p in _split_axes(b)]
        if not pieces:
            return None
        chunk = max(1, _row_room() // max(_row(p).cycles for p in pieces))
        params = words(1, chunk, len(pieces)) + b"".join(_piece(p) for p in pieces)
        works = []
        for piece in pieces:
            rows = math.prod(piece.shape[:-1])
            works += [_row(piece) * chunk] * (rows // chunk)
            works += [_row(piece) * (rows % chunk)] if rows % chunk else []
    # What is empty still takes a step.
    works = works or [work("move")]
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


def _piece(copy: Copy) -> bytes:
    lead = (1,) * (_AXES - len(copy.shape))
    still = (0,) * len(lead)
    source = _FILL if copy.source < 0 else copy.source
    return words(
        source, copy.target, copy.value, copy.run, *lead, *copy.shape, *still, *copy.read, *still,
        *copy.written, copy.read_at, copy.written_at,
    )  # fmt: skip


def _blocks(copies: Sequence[Copy]) -> list[tuple[int, int, int, int, int]] | None:
    found: list[tuple[int, int, int, int, int]] = []
    for copy in copies:
        if copy.source < 0 or math.prod(copy.shape) > _MOST_BLOCKS:
            return None
        for place in np.ndindex(*copy.shape):
            a = copy.read_at + sum(i * s for i, s in zip(place, copy.read, strict=True))
            b = copy.written_at + sum(i * s for i, s in zip(place, copy.written, strict=True))
            for at in range(0, copy.run, _BLOCK_BYTES):
                n = min(_BLOCK_BYTES, copy.run - at)
                found.append((copy.source, copy.target, a + at, b + at, n))
    return found if len(found) <= _MOST_BLOCKS else None


def _whole(source: TfliteTensor, target: int = 0, operand: int = 0) -> Copy:
    size = element_bytes(source)
    steps = strides(source.shape, size)
    return Copy(operand, target, size, source.shape, steps, steps)


_Plan = tuple[list[Copy], list[TfliteTensor], list[TfliteTensor]]


def _same(source: SourceOperator) -> _Plan:
    given = source.input(0)
    return [_whole(given)], [given], [source.outputs[0]]


def _read_variable(source: SourceOperator) -> _Plan:
    # The handle stands for the variable's memory, which has the bytes of the result.
    result = source.outputs[0]
    return [_whole(result)], [source.input(0)], [result]


def _assign_variable(source: SourceOperator) -> _Plan:
    value = source.input(1)
    return [_whole(value)], [value], [source.input(0)]


def _concatenation(source: SourceOperator) -> _Plan:
    result = source.outputs[0]
    rank = len(result.shape)
    axis = source.option("axis", 0) % rank
    size = element_bytes(result)
    written = strides(result.shape, size)
    copies, given, at = [], [], 0
    for i in range(len(source.inputs)):
        tensor = source.input(i)
        copies.append(
            Copy(i, 0, size, tensor.shape, strides(tensor.shape, size), written,
                 written_at=at * written[axis])
        )  # fmt: skip
        given.append(tensor)
        at += tensor.shape[axis]
    return copies, given, [result]


def _pack(source: SourceOperator) -> _Plan:
    result = source.outputs[0]
    axis = source.option("axis", 0) % len(result.shape)
    size = element_bytes(result)
    written = strides(result.shape, size)
    given = [source.input(i) for i in range(len(source.inputs))]
    copies = [
        Copy(i, 0, size, t.shape, strides(t.shape, size), written[:axis] + written[axis + 1 :],
             written_at=i * written[axis])
        for i, t in enumerate(given)
    ]  # fmt: skip
    return copies, given, [result]


def _unpack(source: SourceOperator) -> _Plan:
    given = source.input(0)
    axis = source.option("axis", 0) % len(given.shape)
    size = element_bytes(given)
    read = strides(given.shape, size)
    copies = [
        Copy(0, i, size, t.shape, read[:axis] + read[axis + 1 :], strides(t.shape, size),
             read_at=i * read[axis])
        for i, t in enumerate(source.outputs)
    ]  # fmt: skip
    return copies, [given], list(source.outputs)


def _split(source: SourceOperator) -> _Plan:
    axis_at, given_at = (0, 1) if source.kind == "SPLIT" else (2, 0)
    given = source.input(given_at)
    axis = int(_ints(source, axis_at)[0]) % len(given.shape)
    size = element_bytes(given)
    read = strides(given.shape, size)
    copies, at = [], 0
    for i, tensor in enumerate(source.outputs):
        copies.append(
            Copy(0, i, size, tensor.shape, read, strides(tensor.shape, size),
                 read_at=at * read[axis])
        )  # fmt: skip
        at += tensor.shape[axis]
    return copies, [given], list(source.outputs)


def _ints(source: SourceOperator, index: int) -> list[int]:
    values = constant(source.input(index))
    if values is None:
        raise ValueError(f"{source.kind}: operand {index} is not a constant")
    return [int(v) for v in values.reshape(-1)]


def _slice(source: SourceOperator) -> _Plan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = strides(given.shape, size)
    begin = _ints(source, 1)
    at = sum(b * s for b, s in zip(begin, read, strict=True))
    return (
        [Copy(0, 0, size, result.shape, read, strides(result.shape, size), read_at=at)],
        [given],
        [result],
    )


def _strided_slice(source: SourceOperator) -> _Plan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = strides(given.shape, size)
    begin, end, step = (_ints(source, i) for i in (1, 2, 3))
    masks = {k: source.option(f"{k}Mask", 0) for k in ("begin", "end", "shrinkAxis")}
    shape, steps, at = [], [], 0
    for axis, n in enumerate(given.shape):
        if axis >= len(begin):
            shape.append(n)
            steps.append(read[axis])
            continue
        forward = step[axis] > 0
        first = None if masks["begin"] >> axis & 1 else begin[axis]
        last = None if masks["end"] >> axis & 1 else end[axis]
        if masks["shrinkAxis"] >> axis & 1:
            at += (begin[axis] % n if begin[axis] < 0 else begin[axis]) * read[axis]
            continue
        start, stop, by = slice(first, last, step[axis]).indices(n)
        count = max(0, -(-(stop - start) // by)) if forward else max(0, -(-(start - stop) // -by))
        shape.append(count)
        steps.append(by * read[axis])
        at += start * read[axis]
    copy = Copy(0, 0, size, tuple(shape), tuple(steps), strides(shape, size), read_at=at)
    return [copy], [given], [result]


def _pad(source: SourceOperator) -> _Plan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    written = strides(result.shape, size)
    before = _ints(source, 1)[0::2]
    value = per_tensor(result)[1]
    if source.kind == "PADV2":
        value = int((constant(source.input(2)) or np.zeros(1)).reshape(-1)[0])
    at = sum(b * s for b, s in zip(before, written, strict=True))
    fill = Copy(-1, 0, size, result.shape, (0,) * len(written), written, value=value)
    inner = Copy(0, 0, size, given.shape, strides(given.shape, size), written, written_at=at)
    return [fill, inner], [given], [result]


def _transpose(source: SourceOperator) -> _Plan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = strides(given.shape, size)
    order = [axis % len(read) for axis in _ints(source, 1)]
    copy = Copy(
        0, 0, size, result.shape, tuple(read[axis] for axis in order), strides(result.shape, size)
    )
    return [copy], [given], [result]


def _broadcast(source: SourceOperator) -> _Plan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    shape = (1,) * (len(result.shape) - len(given.shape)) + given.shape
    read = tuple(0 if n == 1 else s for n, s in zip(shape, strides(shape, size), strict=True))
    copy = Copy(0, 0, size, result.shape, read, strides(result.shape, size))
    return [copy], [given], [result]


def _reverse(source: SourceOperator) -> _Plan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = list(strides(given.shape, size))
    at = 0
    for axis in {a % len(read) for a in _ints(source, 1)}:
        at += (given.shape[axis] - 1) * read[axis]
        read[axis] = -read[axis]
    copy = Copy(0, 0, size, given.shape, tuple(read), strides(result.shape, size), read_at=at)
    return [copy], [given], [result]


def _depth_to_space(source: SourceOperator) -> _Plan:
    deep = source.input(0) if source.kind == "DEPTH_TO_SPACE" else source.outputs[0]
    wide = source.outputs[0] if source.kind == "DEPTH_TO_SPACE" else source.input(0)
    block = source.option("blockSize", 1)
    size = element_bytes(deep)
    n, h, w, d = deep.shape
    c = d // (block * block)
    a = strides(deep.shape, size)
    b = strides(wide.shape, size)
    shape = (n, h, w, block, block, c)
    of_deep = (a[0], a[1], a[2], block * c * size, c * size, size)
    of_wide = (b[0], block * b[1], block * b[2], b[1], b[2], size)
    pair = (of_deep, of_wide) if source.kind == "DEPTH_TO_SPACE" else (of_wide, of_deep)
    return [Copy(0, 0, size, shape, *pair)], [source.input(0)], [source.outputs[0]]


_PLANS: dict[str, Callable[[SourceOperator], _Plan]] = {
    "RESHAPE": _same, "SQUEEZE": _same, "EXPAND_DIMS": _same,
    "READ_VARIABLE": _read_variable, "ASSIGN_VARIABLE": _assign_variable,
    "CONCATENATION": _concatenation, "PACK": _pack, "UNPACK": _unpack,
    "SPLIT": _split, "SPLIT_V": _split, "SLICE": _slice, "STRIDED_SLICE": _strided_slice,
    "PAD": _pad, "PADV2": _pad, "TRANSPOSE": _transpose, "BROADCAST_TO": _broadcast,
    "REVERSE_V2": _reverse, "DEPTH_TO_SPACE": _depth_to_space, "SPACE_TO_DEPTH": _depth_to_space,
}  # fmt: skip

#: Operands that must be constants.
_CONSTANT_OPERANDS = {
    "SPLIT": (0,), "SPLIT_V": (2,), "SLICE": (1,), "STRIDED_SLICE": (1, 2, 3), "PAD": (1,),
    "PADV2": (1, 2), "TRANSPOSE": (1,), "REVERSE_V2": (1,),
}  # fmt: skip


#: Operators whose result has the bytes of their operand: where both may be one memory, none is
#: run at all.
ALIASES = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


class Move(Operator):
    """An operator that moves elements and computes none."""

    kinds = tuple(_PLANS)
    primitives = ("block", "strided")

    def supports(self, source: SourceOperator) -> str | None:
        """Elements of 1, 2, 4 or 8 bytes; shapes, axes and paddings as constants."""
        for index in _CONSTANT_OPERANDS.get(source.kind, ()):
            if constant(source.input(index)) is None:
                return f"operand {index} is computed"
        tensors = [
            *source.outputs,
            *([source.input(1)] if source.kind == "ASSIGN_VARIABLE" else []),
        ]
        for tensor in tensors:
            if not element_bytes(tensor):
                return f"elements of {tensor.dtype}"
        if source.kind == "STRIDED_SLICE" and (
            source.option("ellipsisMask", 0) or source.option("newAxisMask", 0)
        ):
            return "an ellipsis or a new axis"
        if source.kind == "STRIDED_SLICE" and source.option("offset", False):
            return "an end given as an offset"
        if source.kind == "CONCATENATION" and source.option("fusedActivationFunction", 0):
            return "a fused activation"
        if source.kind == "CONCATENATION":
            found = {per_tensor(t) for t in source.inputs if t is not None}
            if source.outputs[0].dtype in ("int8", "uint8") and len(found) > 1:
                return "operands of different scales, which tflite_micro does not requantise"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> Packed | None:
        """Copies in order."""
        copies, given, results = _PLANS[source.kind](source)
        return pack_copies(copies, given, results, primitive)


register(Move())
