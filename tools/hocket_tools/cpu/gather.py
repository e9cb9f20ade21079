# SPDX-License-Identifier: Apache-2.0
"""GATHER and GATHER_ND."""

from __future__ import annotations

import math

from ..container.device import Words
from ..tflite.operators import SourceOperator
from .costs import chunk_of, spent, work
from .packing import PackedOperator, element_bytes, packed
from .registry import Operator, register

_PARAMETERS = Words("ops.gather")
_AXES = _PARAMETERS.width("axes")
_MOST_BYTES = 512


class Gather(Operator):
    """Slices chosen by computed or constant indices of int32."""

    kinds = ("GATHER", "GATHER_ND")

    def supports(self, source: SourceOperator) -> str | None:
        """Elements that tflite_micro gathers; indices of int32."""
        given, indices = source.input(0), source.input(1)
        if indices.dtype != "int32":
            return f"indices of {indices.dtype}"
        if given.dtype not in ("int8", "int16", "float32"):
            return f"elements of {given.dtype}"
        if source.kind == "GATHER" and source.option("batchDims", 0):
            return "batch axes"
        if source.kind == "GATHER_ND" and indices.shape[-1] > _AXES:
            return f"more than {_AXES} indices a slice"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Bytes of a slice and of what an index steps over."""
        given, indices, result = source.input(0), source.input(1), source.outputs[0]
        size = element_bytes(given)
        if source.kind == "GATHER":
            axis = source.option("axis", 0) % len(given.shape)
            sizes: tuple[int, ...] = (given.shape[axis],)
            tuples = indices.elements
            slices = math.prod(given.shape[:axis]) * tuples
            length = math.prod(given.shape[axis + 1 :]) * size
            strides: tuple[int, ...] = (length,)
            span = given.shape[axis] * length
        else:
            depth = indices.shape[-1]
            sizes = given.shape[:depth]
            tuples = slices = indices.elements // depth
            length = math.prod(given.shape[depth:]) * size
            strides = tuple(size * math.prod(given.shape[i + 1 :]) for i in range(depth))
            span = 0
        most = min(max(length, 1), _MOST_BYTES)
        parts = -(-length // most)
        slice_work = work("gather", slice=1, index=len(sizes))
        byte = work("gather", byte=1)
        item = slice_work + byte * most
        chunk = chunk_of(item, max(slices * parts, 1))
        blank = (0,) * (_AXES - len(sizes))
        header = _PARAMETERS.pack(
            count=slices, chunk=chunk, bytes=length, indices=len(sizes), tuples=tuples,
            span=span, steps=(*strides, *blank), axes=(*sizes, *blank), chunk_bytes=most,
        )  # fmt: skip
        return packed(
            "gather",
            primitive,
            header,
            inputs=(given, indices),
            outputs=(result,),
            spent=spent(
                -(-slices * parts // chunk),
                item * chunk,
                (slice_work * parts + byte * length) * slices,
            ),
        )


register(Gather())
