# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

from __future__ import annotations

import math

import numpy as np

from ..container.device import Words, words
from ..tflite.operators import SourceOperator
from .costs import STEP_CYCLES, chunk_of, spent, work
from .packing import PackedOperator, element_bytes, packed
from .registry import Operator, register

_PARAMETERS = Words("ops.resize")
_UNIT = 1024

_Place = tuple[int, int, int]


def nearest_places(size: int, out: int, align: bool, half: bool) -> list[_Place]:
    """Row or column that each of the result's is taken from, in float32 as the reference."""
    f = np.float32
    aligned = align and out > 1
    scale = f(size - 1) / f(out - 1) if aligned else f(size) / f(out)
    offset = f(0.5) if half else f(0)
    found = []
    for i in range(out):
        value = (f(i) + offset) * scale
        # Half away from zero; no value is negative.
        at = math.floor(float(value) + 0.5) if align else math.floor(float(value))
        found.append((max(0, min(at, size - 1)), 0, 0))
    return found


def bilinear_places(size: int, out: int, align: bool, half: bool) -> list[_Place]:
    """Two rows or columns for each of the result's, and the second one's share in 1024ths."""
    scale = (_UNIT * size + out // 2) // out
    if align and out > 1:
        scale = (_UNIT * (size - 1) + (out - 1) // 2) // (out - 1)
    found = []
    for i in range(out):
        at = i * scale + scale // 2 - _UNIT // 2 if half else i * scale
        first = max(int(at / _UNIT), 0)
        second = min(
            (at + _UNIT - 1) // _UNIT if at > 0 else int((at + _UNIT - 1) / _UNIT), size - 1
        )
        found.append((first, second, at - _UNIT * first))
    return found


class Resize(Operator):
    """An image in another size."""

    kinds = ("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")

    def supports(self, source: SourceOperator) -> str | None:
        """Any element to the nearest, int8 bilinearly."""
        given = source.input(0)
        if len(given.shape) != 4:
            return f"an input of {len(given.shape)} axes"
        if source.kind == "RESIZE_BILINEAR" and given.dtype != "int8":
            return f"an input of {given.dtype}"
        return None if element_bytes(given) else f"elements of {given.dtype}"

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Where each row and column comes from."""
        given, result = source.input(0), source.outputs[0]
        _, height, width, depth = given.shape
        batches, out_height, out_width, _ = result.shape
        bilinear = source.kind == "RESIZE_BILINEAR"
        places = bilinear_places if bilinear else nearest_places
        align = bool(source.option("alignCorners", False))
        half = bool(source.option("halfPixelCenters", False))
        rows = places(height, out_height, align, half)
        columns = places(width, out_width, align, half)
        size = element_bytes(given)
        pixels = batches * out_height * out_width
        pixel = work("resize", pixel=1)
        channel = work("resize", **({"mixed": 1} if bilinear else {"byte": size}))
        room = STEP_CYCLES - (pixel + work("resize", step=1)).cycles
        part = min(depth, max(1, room // max(channel.cycles, 1)))
        parts = -(-depth // part)
        chunk = 1 if parts > 1 else chunk_of(pixel + channel * depth, pixels)
        header = _PARAMETERS.pack(
            count=pixels, chunk=chunk, bilinear=int(bilinear), width=size, height=height,
            columns=width, depth=depth, out_height=out_height, out_columns=out_width,
            part=part,
        )  # fmt: skip
        return packed(
            "resize",
            primitive,
            header + words(*(value for place in (*rows, *columns) for value in place)),
            inputs=(given,),
            outputs=(result,),
            spent=spent(
                -(-pixels * parts // chunk),
                (pixel + channel * part) * chunk,
                (pixel * parts + channel * depth) * pixels,
            ),
        )


register(Resize())
