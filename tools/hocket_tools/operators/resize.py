# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

from __future__ import annotations

import math

import numpy as np

from .packing import MODULES, Packed, chunk_of, element_bytes, step_cost, words
from .registry import Operator, register
from .source import SourceOperator

_BILINEAR_CYCLES = 130
_BYTE_CYCLES = 14
_PIXEL_CYCLES = 180
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

    def pack(self, source: SourceOperator, primitive: str) -> Packed | None:
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
        item = depth * (_BILINEAR_CYCLES if bilinear else size * _BYTE_CYCLES) + _PIXEL_CYCLES
        pixels = batches * out_height * out_width
        chunk = chunk_of(item, pixels)
        return Packed(
            code=MODULES.index("resize"),
            primitive=primitive,
            params=words(
                pixels,
                chunk,
                int(bilinear),
                size,
                height,
                width,
                depth,
                out_height,
                out_width,
                *(value for place in (*rows, *columns) for value in place),
            ),
            inputs=(given.index,),
            outputs=(result.index,),
            scratch_bytes=0,
            steps=-(-pixels // chunk),
            step_cycles=step_cost(chunk, item),
        )


register(Resize())
