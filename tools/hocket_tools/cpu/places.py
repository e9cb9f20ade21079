# SPDX-License-Identifier: Apache-2.0
"""Operators that put elements elsewhere in a tensor: pads, transpositions, repetitions, blocks."""

from __future__ import annotations

from itertools import product

import numpy as np

from ..tflite.operators import SourceOperator, constant, ints
from .copies import Copy, CopyPlan, strides
from .packing import element_bytes, per_tensor


def pad(source: SourceOperator) -> CopyPlan:
    """A fill, and the input inside it."""
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    written = strides(result.shape, size)
    before = ints(source, 1)[0::2]
    value = per_tensor(result)[1]
    if source.kind == "PADV2":
        value = int((constant(source.input(2)) or np.zeros(1)).reshape(-1)[0])
    at = sum(b * s for b, s in zip(before, written, strict=True))
    fill = Copy(-1, 0, size, result.shape, (0,) * len(written), written, value=value)
    inner = Copy(0, 0, size, given.shape, strides(given.shape, size), written, written_at=at)
    return [fill, inner], [given], [result]


def transpose(source: SourceOperator) -> CopyPlan:
    """Axes in another order."""
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = strides(given.shape, size)
    order = [axis % len(read) for axis in ints(source, 1)]
    copy = Copy(
        0, 0, size, result.shape, tuple(read[axis] for axis in order), strides(result.shape, size)
    )
    return [copy], [given], [result]


def broadcast(source: SourceOperator) -> CopyPlan:
    """Axes of one element repeated."""
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    shape = (1,) * (len(result.shape) - len(given.shape)) + given.shape
    read = tuple(0 if n == 1 else s for n, s in zip(shape, strides(shape, size), strict=True))
    copy = Copy(0, 0, size, result.shape, read, strides(result.shape, size))
    return [copy], [given], [result]


def reverse(source: SourceOperator) -> CopyPlan:
    """Axes from their ends."""
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read = list(strides(given.shape, size))
    at = 0
    for axis in {a % len(read) for a in ints(source, 1)}:
        at += (given.shape[axis] - 1) * read[axis]
        read[axis] = -read[axis]
    copy = Copy(0, 0, size, given.shape, tuple(read), strides(result.shape, size), read_at=at)
    return [copy], [given], [result]


def depth_to_space(source: SourceOperator) -> CopyPlan:
    """DEPTH_TO_SPACE and its inverse."""
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


def mirror_pad(source: SourceOperator) -> CopyPlan:
    """The input, and each border as what lies before it, backwards."""
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read, written = strides(given.shape, size), strides(result.shape, size)
    amounts = ints(source, 1)
    # REFLECT leaves the edge itself out.
    edge = 0 if source.option("mode", 0) else 1
    sides = []
    for axis, n in enumerate(given.shape):
        before, after = amounts[2 * axis : 2 * axis + 2]
        parts = [(0, n, 1, before)]
        if before:
            parts.append((before - 1 + edge, before, -1, 0))
        if after:
            parts.append((n - 1 - edge, after, -1, before + n))
        sides.append(parts)
    copies = []
    for box in product(*sides):
        copies.append(
            Copy(
                0, 0, size, tuple(count for _, count, _, _ in box),
                tuple(by * s for (_, _, by, _), s in zip(box, read, strict=True)), written,
                read_at=sum(first * s for (first, _, _, _), s in zip(box, read, strict=True)),
                written_at=sum(to * s for (_, _, _, to), s in zip(box, written, strict=True)),
            )
        )  # fmt: skip
    return copies, [given], [result]


def space_to_batch(source: SourceOperator) -> CopyPlan:
    """Every so many pixels into a batch of their own, borders filled, or back."""
    to_batch = source.kind == "SPACE_TO_BATCH_ND"
    given, result = source.input(0), source.outputs[0]
    wide, deep = (given, result) if to_batch else (result, given)
    size = element_bytes(given)
    axes = len(wide.shape) - 2
    blocks, borders = ints(source, 1), ints(source, 2)
    a, b = strides(wide.shape, size), strides(deep.shape, size)
    copies = []
    if to_batch:
        value = per_tensor(result)[1]
        copies.append(Copy(-1, 0, size, deep.shape, (0,) * len(b), b, value=value))
    for number, block in enumerate(np.ndindex(*blocks)):
        # Of an axis, pixel i of the wide side is pixel (i + border) // block of this batch.
        firsts, counts = [], []
        for axis in range(axes):
            by, before = blocks[axis], borders[2 * axis]
            first = max(-(-(before - block[axis]) // by), 0)
            last = min(
                -(-(wide.shape[1 + axis] + before - block[axis]) // by), deep.shape[1 + axis]
            )
            firsts.append(first)
            counts.append(max(last - first, 0))
        offset = [f * by + k - e for f, by, k, e in zip(
            firsts, blocks, block, borders[::2], strict=True)]  # fmt: skip
        shape = (wide.shape[0], *counts, *wide.shape[1 + axes :])
        of_wide = (a[0], *(s * by for s, by in zip(a[1 : 1 + axes], blocks, strict=True)), a[-1])
        wide_at = sum(k * s for k, s in zip(offset, a[1:], strict=False))
        deep_at = number * wide.shape[0] * b[0] + sum(
            f * s for f, s in zip(firsts, b[1:], strict=False)
        )
        ends = (of_wide, b, wide_at, deep_at) if to_batch else (b, of_wide, deep_at, wide_at)
        copies.append(Copy(0, 0, size, shape, *ends))
    return copies, [given], [result]


def tile(source: SourceOperator) -> CopyPlan:
    """The input over and over along each axis."""
    given, result = source.input(0), source.outputs[0]
    size = element_bytes(given)
    read, written = strides(given.shape, size), strides(result.shape, size)
    times = ints(source, 1)
    shape, of_given, of_result = [], [], []
    for axis, n in enumerate(given.shape):
        shape += [times[axis], n]
        of_given += [0, read[axis]]
        of_result += [n * written[axis], written[axis]]
    return [Copy(0, 0, size, tuple(shape), tuple(of_given), tuple(of_result))], [given], [result]


def fill(source: SourceOperator) -> CopyPlan:
    """One element everywhere."""
    value, result = source.input(1), source.outputs[0]
    written = strides(result.shape, element_bytes(result))
    copy = Copy(0, 0, element_bytes(result), result.shape, (0,) * len(written), written)
    return [copy], [value], [result]


def zeros(source: SourceOperator) -> CopyPlan:
    """Zero bytes."""
    result = source.outputs[0]
    size = result.elements * element_bytes(result)
    return [Copy(-1, 0, 1, (size,), (0,), (1,))], [source.input(0)], [result]


def shape_of(source: SourceOperator) -> CopyPlan:
    """Sizes of the axes, which are known."""
    result = source.outputs[0]
    copies = [
        Copy(-1, 0, 4, (1,), (0,), (4,), written_at=4 * axis, value=n)
        for axis, n in enumerate(source.input(0).shape)
    ]
    return copies, [source.input(0)], [result]
