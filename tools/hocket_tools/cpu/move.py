# SPDX-License-Identifier: Apache-2.0
"""Operators that only move elements: joins, splits, slices, variables; others in `places`."""

from __future__ import annotations

from collections.abc import Callable

from ..tflite.operators import SourceOperator, constant, ints
from . import places
from .copies import Copy, CopyPlan, pack_copies, strides, whole
from .packing import PackedOperator, element_bytes, per_tensor
from .registry import Operator, register


def _same(source: SourceOperator) -> CopyPlan:
    given = source.input(0)
    return [whole(given)], [given], [source.outputs[0]]


def _read_variable(source: SourceOperator) -> CopyPlan:
    # The handle stands for the variable's memory, which has the bytes of the result.
    result = source.outputs[0]
    return [whole(result)], [source.input(0)], [result]


def _assign_variable(source: SourceOperator) -> CopyPlan:
    value = source.input(1)
    return [whole(value)], [value], [source.input(0)]


def _concatenation(source: SourceOperator) -> CopyPlan:
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


def _pack(source: SourceOperator) -> CopyPlan:
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


def _unpack(source: SourceOperator) -> CopyPlan:
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


def _split(source: SourceOperator) -> CopyPlan:
    axis_at, given_at = (0, 1) if source.kind == "SPLIT" else (2, 0)
    given = source.input(given_at)
    axis = int(ints(source, axis_at)[0]) % len(given.shape)
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


def _slice(source: SourceOperator) -> CopyPlan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = strides(given.shape, size)
    begin = ints(source, 1)
    at = sum(b * s for b, s in zip(begin, read, strict=True))
    return (
        [Copy(0, 0, size, result.shape, read, strides(result.shape, size), read_at=at)],
        [given],
        [result],
    )


def _strided_slice(source: SourceOperator) -> CopyPlan:
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = strides(given.shape, size)
    begin, end, step = (ints(source, i) for i in (1, 2, 3))
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


_PLANS: dict[str, Callable[[SourceOperator], CopyPlan]] = {
    "RESHAPE": _same, "SQUEEZE": _same, "EXPAND_DIMS": _same,
    "READ_VARIABLE": _read_variable, "ASSIGN_VARIABLE": _assign_variable,
    "CONCATENATION": _concatenation, "PACK": _pack, "UNPACK": _unpack,
    "SPLIT": _split, "SPLIT_V": _split, "SLICE": _slice, "STRIDED_SLICE": _strided_slice,
    "PAD": places.pad, "PADV2": places.pad, "TRANSPOSE": places.transpose,
    "BROADCAST_TO": places.broadcast, "REVERSE_V2": places.reverse,
    "DEPTH_TO_SPACE": places.depth_to_space, "SPACE_TO_DEPTH": places.depth_to_space,
    "MIRROR_PAD": places.mirror_pad, "TILE": places.tile, "FILL": places.fill,
    "SPACE_TO_BATCH_ND": places.space_to_batch, "BATCH_TO_SPACE_ND": places.space_to_batch,
    "ZEROS_LIKE": places.zeros, "SHAPE": places.shape_of,
}  # fmt: skip

#: Operands that must be constants.
_CONSTANT_OPERANDS = {
    "SPLIT": (0,), "SPLIT_V": (2,), "SLICE": (1,), "STRIDED_SLICE": (1, 2, 3), "PAD": (1,),
    "PADV2": (1, 2), "TRANSPOSE": (1,), "REVERSE_V2": (1,), "MIRROR_PAD": (1,), "TILE": (1,),
    "SPACE_TO_BATCH_ND": (1, 2), "BATCH_TO_SPACE_ND": (1, 2),
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
        if source.kind == "SHAPE" and source.outputs[0].dtype != "int32":
            return f"sizes of {source.outputs[0].dtype}"
        if source.kind == "CONCATENATION" and source.option("fusedActivationFunction", 0):
            return "a fused activation"
        if source.kind == "CONCATENATION":
            found = {per_tensor(t) for t in source.inputs if t is not None}
            if source.outputs[0].dtype in ("int8", "uint8") and len(found) > 1:
                return "operands of different scales, which tflite_micro does not requantise"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Copies in order."""
        copies, given, results = _PLANS[source.kind](source)
        return pack_copies(copies, given, results, primitive)


register(Move())
