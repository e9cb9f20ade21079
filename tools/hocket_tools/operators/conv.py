# SPDX-License-Identifier: Apache-2.0
"""CONV_2D and DEPTHWISE_CONV_2D."""

from __future__ import annotations

import numpy as np

from .packing import (
    MODULES,
    STEP_OVERHEAD_CYCLES,
    Packed,
    chunk_of,
    per_tensor,
    step_cost,
    words,
)
from .products import biases, channel_scaling, sums_are_wide, weight_scales, weights_reason
from .registry import Operator, register
from .source import SourceOperator, constant

_PRODUCT_CYCLES = 26
_PLACE_CYCLES = 110
_WINDOW_PRODUCT_CYCLES = 20
_GATHER_CYCLES = 14
_OUTPUT_CYCLES = 260
_MOST = 64
_WORDS = 27
#: Most products of one output in a step.
_PART = 1024
#: A window that takes longer is gathered apart from the first channels.
_MOST_GATHER_CYCLES = 6_000


def padding_before(
    size: int, kernel: int, stride: int, dilation: int, out: int, padding: int
) -> int:
    """Rows of padding before the input; 0 for VALID."""
    if padding == 1:
        return 0
    return max(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - size) // 2


class Convolution(Operator):
    """A window over height and width, with constant weights."""

    kinds = ("CONV_2D", "DEPTHWISE_CONV_2D")
    primitives = ("direct", "window")

    def supports(self, source: SourceOperator) -> str | None:
        """int8, or int16 with int8 weights."""
        why = weights_reason(source, 0, 1, 2)
        if why is not None:
            return why
        given, weights = source.input(0), source.input(1)
        if source.kind == "CONV_2D" and weights.shape[3] != given.shape[3]:
            return "grouped channels"
        bias = source.optional(2)
        if source.kind != "CONV_2D" and given.dtype == "int16" and bias and bias.dtype != "int64":
            return f"a bias of {bias.dtype} for int16"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> Packed | None:
        """Geometry, biases and a scaling a channel."""
        given, weights, result = source.input(0), source.input(1), source.outputs[0]
        deep = source.kind == "CONV_2D"
        _, height, width, depth = given.shape
        _, out_height, out_width, channels = result.shape
        ky, kx = weights.shape[1:3]
        narrow = given.dtype == "int8"
        bias = source.optional(2)
        wide = not narrow and (not deep or sums_are_wide(source))
        window = primitive == "window"
        if window and not (deep and narrow):
            return None
        values = constant(weights)
        if values is None:
            return None
        correction = None
        zero = per_tensor(given)[1]
        if window:
            sums = values.astype(np.int64).reshape(channels, -1).sum(axis=1)
            correction = -(128 + zero) * sums
        packed_biases = biases(bias, channels, wide=wide, correction=correction)
        length = ky * kx * (depth if deep else 1)
        steps_y, steps_x = source.option("strideH", 1), source.option("strideW", 1)
        holes_y = source.option("dilationHFactor", 1)
        holes_x = source.option("dilationWFactor", 1)
        padding = source.option("padding", 0)
        places = ky * kx
        part, gathered, alone = length, places, False
        if window:
            part = min(length, _PART)
            item = part * _WINDOW_PRODUCT_CYCLES + _OUTPUT_CYCLES
            place = depth * _GATHER_CYCLES + _PLACE_CYCLES
            gathered = chunk_of(place, places)
            alone = places * place > _MOST_GATHER_CYCLES
            gathering = gathered * place
            overhead = STEP_OVERHEAD_CYCLES + (0 if alone else gathering)
            chunk = chunk_of(item, min(_MOST, channels), overhead) if part == length else 1
            pixels = result.elements // channels
            steps = pixels * (
                (-(-places // gathered) if alone else 0)
                + -(-channels // chunk) * -(-length // part)
            )
            step = max(chunk * item + overhead, STEP_OVERHEAD_CYCLES + gathering)
            scratch = 4 * chunk + length
        else:
            item = length * _PRODUCT_CYCLES + places * _PLACE_CYCLES + _OUTPUT_CYCLES
            chunk = chunk_of(item, min(_MOST, result.elements))
            steps = -(-result.elements // chunk)
            step = step_cost(chunk, item)
            scratch = (8 if wide else 4) * chunk
        bias_at = _WORDS
        scaling_at = bias_at + len(packed_biases) // 4
        header = words(
            result.elements, chunk, int(window), scaling_at, bias_at, length, channels,
            1 if window else 0 if narrow else 2, int(wide), part,
            height, width, depth, out_height, out_width, ky, kx, steps_y, steps_x,
            holes_y, holes_x,
            padding_before(height, ky, steps_y, holes_y, out_height, padding),
            padding_before(width, kx, steps_x, holes_x, out_width, padding),
            -zero, 0 if deep else channels // depth, gathered, int(alone),
        )  # fmt: skip
        scales = weight_scales(weights, channels)
        return Packed(
            code=MODULES.index("conv"),
            primitive=primitive,
            params=header + packed_biases + channel_scaling(source, given, scales, wide),
            inputs=(given.index, weights.index),
            outputs=(result.index,),
            scratch_bytes=scratch,
            steps=steps,
            step_cycles=step,
        )


register(Convolution())
