# SPDX-License-Identifier: Apache-2.0
"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..container.device import Words, constants
from ..tflite.operators import SourceOperator, constant
from .costs import Spent, Work, chunk_of, spent, work
from .packing import TYPES, PackedOperator, element_bytes, packed, per_tensor
from .products import (
    Rows,
    biases,
    channel_scaling,
    rows,
    sums_are_wide,
    weight_scales,
    weights_reason,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.conv")
_PRIMITIVES = constants("ops.conv")
_MOST = 64
#: Most pixels whose windows lie in scratch together.
_MOST_PIXELS = 16


def padding_before(
    size: int, kernel: int, stride: int, dilation: int, out: int, padding: int
) -> int:
    """Rows of padding before the input; 0 for VALID."""
    if padding == 1:
        return 0
    return max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) // 2


class Convolution(Operator):
    """A window over height and width, with constant weights."""

    kinds = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
    primitives = ("direct", "window", "windows", "places")

    def supports(self, source: SourceOperator) -> str | None:
        """int8, or int16 with int8 weights."""
        at = _input_at(source)
        why = weights_reason(source, at, 1, _bias_at(source))
        if why is not None:
            return why
        given, weights = source.input(at), source.input(1)
        if source.kind == "CONV_2D" and weights.shape[3] != given.shape[3]:
            return "grouped channels"
        bias = source.optional(_bias_at(source))
        if source.kind != "CONV_2D" and given.dtype == "int16" and bias and bias.dtype != "int64":
            return f"a bias of {bias.dtype} for int16"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Geometry, biases and a scaling a channel."""
        given, weights = source.input(_input_at(source)), source.input(1)
        result = source.outputs[0]
        layer = _layer(source)
        plan = layer.plan(primitive)
        values = constant(weights)
        if plan is None or values is None:
            return None
        zero = per_tensor(given)[1]
        correction = None
        if layer.narrow and primitive in ("window", "windows"):
            sums = values.astype(np.int64).reshape(layer.channels, -1).sum(axis=1)
            correction = -(128 + zero) * sums
        packed_biases = biases(
            source.optional(_bias_at(source)),
            layer.channels,
            wide=layer.wide,
            correction=correction,
        )
        ky, kx = weights.shape[1:3]
        (_, height, width, depth), (_, out_height, out_width, _) = given.shape, result.shape
        strides, holes, before, up = _geometry(source)
        header = _PARAMETERS.pack(
            count=result.elements, chunk=plan.most, primitive=_PRIMITIVES[plan.kind],
            scaling=_PARAMETERS.size + len(packed_biases) // 4, bias=_PARAMETERS.size,
            depth=layer.length, channels=layer.channels, type=TYPES[given.dtype],
            wide=int(layer.wide), part=plan.part, height=height, width=width, input_depth=depth,
            out_height=out_height, out_width=out_width, kernel_y=ky, kernel_x=kx,
            stride_y=strides[0], stride_x=strides[1], dilation_y=holes[0], dilation_x=holes[1],
            pad_y=before[0], pad_x=before[1], offset=-zero,
            multiplier=0 if layer.deep else layer.channels // depth, gathered=plan.gathered,
            pixels=plan.pixels, pixel_bytes=depth * element_bytes(given), up_y=up[0], up_x=up[1],
        )  # fmt: skip
        scales = weight_scales(weights, layer.channels)
        return packed(
            "conv",
            primitive,
            header + packed_biases + channel_scaling(source, given, scales, layer.wide),
            inputs=(given, weights),
            outputs=(result,),
            scratch_bytes=plan.scratch_bytes,
            spent=plan.spent,
        )


@dataclass(frozen=True)
class _Plan:
    """How a layer is cut into steps by one primitive."""

    kind: str
    """What ``hocket.ops.conv`` calls it."""
    most: int
    spent: Spent
    scratch_bytes: int
    part: int = 0
    gathered: int = 0
    pixels: int = 0


@dataclass(frozen=True)
class _Layer:
    """What of a layer decides its steps."""

    outputs: int
    channels: int
    depth: int
    """Of the input."""
    places: int
    """Of a window."""
    deep: bool
    """Every output sees all channels of the input."""
    narrow: bool
    wide: bool
    transposed: bool

    @property
    def length(self) -> int:
        """Products of an output."""
        return self.places * (self.depth if self.deep else 1)

    @property
    def _element(self) -> int:
        return 1 if self.narrow else 2

    @property
    def _accumulator(self) -> int:
        return 8 if self.wide else 4

    def _rows(self, outputs: int) -> Rows:
        return rows("conv", outputs, self.channels, self.length, narrow=self.narrow, wide=self.wide)

    def plan(self, primitive: str) -> _Plan | None:
        """None where the primitive does not suit."""
        if primitive == "direct":
            return None if self.transposed else self._direct()
        if primitive == "places":
            alone = not self.deep and self.depth == self.channels
            return self._by_places() if alone and self.narrow else None
        if not self.deep:
            return None
        pixels = 1 if primitive == "window" else self._pixels()
        return self._windows(pixels) if primitive == "window" or pixels > 1 else None

    def _direct(self) -> _Plan:
        unit = "product8" if self.narrow else "product48" if self.wide else "product16"
        item = work("conv", output=1, place=self.places, **{unit: self.length})
        chunk = chunk_of(item, min(_MOST, self.outputs))
        steps = -(-self.outputs // chunk)
        cost = spent(steps, item * chunk, item * self.outputs)
        return _Plan("DIRECT", chunk, cost, self._accumulator * chunk)

    def _by_places(self) -> _Plan:
        item = work("conv", output=1, lane=self.places)
        fixed = work("conv", tap=self.places)
        chunk = chunk_of(item, min(_MOST, self.channels), fixed)
        groups = -(-self.channels // chunk)
        steps = self.outputs // self.channels * groups
        cost = spent(steps, item * chunk + fixed, item * self.outputs + fixed * steps)
        return _Plan("PLACES", chunk, cost, 4 * chunk)

    def _pixels(self) -> int:
        """Pixels whose outputs and windows each fit a step."""
        plan = self._rows(_MOST)
        if plan.part < self.length:
            return 1
        window = self._gathering(1, self.places)
        most = min(plan.most // self.channels, _MOST_PIXELS, self.outputs // self.channels)
        return min(most, chunk_of(window, _MOST_PIXELS)) if most > 1 else 1

    def _gathering(self, pixels: int, places: int) -> Work:
        size = self.depth * self._element
        moved = {"byte": size} if size % 4 else {"word": size // 4}
        return (work("conv", pixel=1) + work("conv", place=1, **moved) * places) * pixels

    def _windows(self, pixels: int) -> _Plan:
        every = self.outputs // self.channels
        plan = self._rows(pixels * self.channels)
        gathered = self.places
        if pixels == 1:
            gathered = chunk_of(self._gathering(1, 1), self.places)
        gathers = -(-self.places // gathered)
        blocks = -(-every // pixels)
        cost = spent(
            blocks * (gathers + plan.steps),
            plan.longest,
            plan.total * blocks + self._gathering(1, self.places) * every
            + work("conv", pixel=(gathers - 1) * every),
            ((self._gathering(pixels, gathered), gathers), (plan.longest, plan.steps)),
        )  # fmt: skip
        scratch = self._accumulator * plan.most + pixels * self.length * self._element
        return _Plan("WINDOW", plan.most, cost, scratch, plan.part, gathered, pixels)


def _input_at(source: SourceOperator) -> int:
    return 2 if source.kind == "TRANSPOSE_CONV" else 0


def _bias_at(source: SourceOperator) -> int:
    return 3 if source.kind == "TRANSPOSE_CONV" else 2


_Pair = tuple[int, int]


def _geometry(source: SourceOperator) -> tuple[_Pair, _Pair, _Pair, _Pair]:
    """(height, width) of strides, of dilations, of the padding before, and of places to a row.

    A transposed convolution sees its window backwards: place k of an output at y is row
    ``(y + padding - k) / stride`` of the input, where that is one.
    """
    given, weights, result = source.input(_input_at(source)), source.input(1), source.outputs[0]
    strides = source.option("strideH", 1), source.option("strideW", 1)
    holes = source.option("dilationHFactor", 1), source.option("dilationWFactor", 1)
    padding = source.option("padding", 0)
    transposed = source.kind == "TRANSPOSE_CONV"
    small, large = (given, result) if transposed else (result, given)
    before = [
        padding_before(large.shape[i], weights.shape[i], strides[i - 1], holes[i - 1],
                       small.shape[i], padding)
        for i in (1, 2)
    ]  # fmt: skip
    if transposed:
        return (1, 1), (-1, -1), (-before[0], -before[1]), strides
    return strides, holes, (before[0], before[1]), (1, 1)


def _layer(source: SourceOperator) -> _Layer:
    given, weights = source.input(_input_at(source)), source.input(1)
    result = source.outputs[0]
    deep = source.kind != "DEPTHWISE_CONV_2D"
    narrow = given.dtype == "int8"
    return _Layer(
        outputs=result.elements,
        channels=result.shape[3],
        depth=given.shape[3],
        places=weights.shape[1] * weights.shape[2],
        deep=deep,
        narrow=narrow,
        transposed=source.kind == "TRANSPOSE_CONV",
        wide=not narrow and (not deep or sums_are_wide(source, _bias_at(source))),
    )


register(Convolution())
