# SPDX-License-Identifier: Apache-2.0
"""Convolutions: CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hocket_tools.tflite.builder import ABSENT, ModelBuilder

from ..case import ACTIVATIONS, PADDINGS, Case, window_output
from .weighted import Weighted


@dataclass(frozen=True)
class Conv(Weighted):
    """CONV_2D."""

    operator: ClassVar[str] = "CONV_2D"
    size: tuple[int, int] = (8, 8)
    depth: int = 8
    channels: int = 8
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "same"

    def build(self, model: ModelBuilder) -> None:
        """Add the convolution."""
        height, width = self.size
        kh, kw = self.kernel
        products = kh * kw * self.depth
        weights = self.weight_quantisation(self.channels, 0)
        source = model.input(
            "input", (1, height, width, self.depth), self.dtype, self.input_quantisation()
        )
        kernel = model.constant(
            "weights", self.weights((self.channels, kh, kw, self.depth)), weights
        )
        bias = self.add_bias(model, self.channels, products, weights)
        shape = (
            1,
            window_output(height, kh, self.stride[0], self.padding, self.dilation[0]),
            window_output(width, kw, self.stride[1], self.padding, self.dilation[1]),
            self.channels,
        )
        result = model.output("output", shape, self.dtype, self.output_quantisation(products))
        model.operator(
            self.op,
            (source, kernel, bias),
            (result,),
            "Conv2DOptions",
            version=3,
            padding=PADDINGS[self.padding],
            strideH=self.stride[0],
            strideW=self.stride[1],
            dilationHFactor=self.dilation[0],
            dilationWFactor=self.dilation[1],
            fusedActivationFunction=ACTIVATIONS[self.activation],
        )


@dataclass(frozen=True)
class DepthwiseConv(Weighted):
    """DEPTHWISE_CONV_2D."""

    operator: ClassVar[str] = "DEPTHWISE_CONV_2D"
    size: tuple[int, int] = (8, 8)
    depth: int = 8
    multiplier: int = 1
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "same"

    def build(self, model: ModelBuilder) -> None:
        """Add the convolution."""
        height, width = self.size
        kh, kw = self.kernel
        channels = self.depth * self.multiplier
        weights = self.weight_quantisation(channels, 3)
        source = model.input(
            "input", (1, height, width, self.depth), self.dtype, self.input_quantisation()
        )
        kernel = model.constant("weights", self.weights((1, kh, kw, channels)), weights)
        bias = self.add_bias(model, channels, kh * kw, weights)
        shape = (
            1,
            window_output(height, kh, self.stride[0], self.padding, self.dilation[0]),
            window_output(width, kw, self.stride[1], self.padding, self.dilation[1]),
            channels,
        )
        result = model.output("output", shape, self.dtype, self.output_quantisation(kh * kw))
        model.operator(
            self.op,
            (source, kernel, bias),
            (result,),
            "DepthwiseConv2DOptions",
            version=3,
            padding=PADDINGS[self.padding],
            strideH=self.stride[0],
            strideW=self.stride[1],
            dilationHFactor=self.dilation[0],
            dilationWFactor=self.dilation[1],
            depthMultiplier=self.multiplier,
            fusedActivationFunction=ACTIVATIONS[self.activation],
        )


@dataclass(frozen=True)
class TransposeConv(Weighted):
    """TRANSPOSE_CONV."""

    operator: ClassVar[str] = "TRANSPOSE_CONV"
    size: tuple[int, int] = (6, 6)
    depth: int = 8
    channels: int = 8
    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (2, 2)
    padding: str = "same"

    def build(self, model: ModelBuilder) -> None:
        """Add the convolution."""
        kh, kw = self.kernel
        products = max(kh * kw // (self.stride[0] * self.stride[1]), 1) * self.depth
        weights = self.weight_quantisation(self.channels, 0)
        sides = [
            size * stride + (0 if self.padding == "same" else max(reach - stride, 0))
            for size, stride, reach in zip(self.size, self.stride, self.kernel, strict=True)
        ]
        shape = (1, *sides, self.channels)
        wanted = model.constant("output_shape", np.array(shape, np.int32))
        kernel = model.constant(
            "weights", self.weights((self.channels, kh, kw, self.depth)), weights
        )
        source = model.input(
            "input", (1, *self.size, self.depth), self.dtype, self.input_quantisation()
        )
        bias = self.add_bias(model, self.channels, products, weights)
        result = model.output("output", shape, self.dtype, self.output_quantisation(products))
        inputs = (wanted, kernel, source) if bias == ABSENT else (wanted, kernel, source, bias)
        model.operator(
            self.op,
            inputs,
            (result,),
            "TransposeConvOptions",
            version=3,
            padding=PADDINGS[self.padding],
            strideH=self.stride[0],
            strideW=self.stride[1],
            fusedActivationFunction=ACTIVATIONS[self.activation],
        )


def _conv() -> list[Case]:
    return [
        Conv("1x1", kernel=(1, 1)),
        Conv("1x1-depth1", kernel=(1, 1), depth=1, channels=1),
        Conv("1x1-depth130-to-17", kernel=(1, 1), depth=130, channels=17, size=(5, 3)),
        Conv("1x1-depth17-to-130", kernel=(1, 1), depth=17, channels=130, size=(3, 5)),
        Conv("1x1-stride2-valid", kernel=(1, 1), stride=(2, 2), padding="valid", size=(9, 9)),
        Conv("3x3"),
        Conv("3x3-valid", padding="valid"),
        Conv("3x3-stride2", stride=(2, 2)),
        Conv("3x3-stride2-odd", stride=(2, 2), size=(11, 7)),
        Conv("3x3-stride3", stride=(3, 3), size=(13, 10)),
        Conv("3x3-stride3-valid", stride=(3, 3), size=(13, 10), padding="valid"),
        Conv("3x3-stride1x2", stride=(1, 2), size=(9, 12)),
        Conv("3x3-stride2x1", stride=(2, 1), size=(12, 9)),
        Conv("3x3-dilation2", dilation=(2, 2), size=(12, 12)),
        Conv("3x3-dilation2-valid", dilation=(2, 2), size=(12, 12), padding="valid"),
        Conv("3x3-dilation2x1", dilation=(2, 1), size=(12, 12)),
        Conv("3x3-dilation3", dilation=(3, 3), size=(14, 14)),
        Conv("3x3-depth3-to-16", depth=3, channels=16, size=(16, 16)),
        Conv("3x3-depth33-to-31", depth=33, channels=31),
        Conv("3x3-depth64-to-64", depth=64, channels=64, size=(4, 4)),
        Conv("3x3-large-96x96", depth=3, channels=8, size=(96, 96), stride=(2, 2)),
        Conv("3x3-no-bias", bias=False),
        Conv("3x3-per-tensor", per_channel=False),
        Conv("3x3-relu", activation="relu"),
        Conv("3x3-relu6", activation="relu6"),
        Conv("3x3-relu-n1-to-1", activation="relu_n1_to_1"),
        Conv("3x3-zero-points-low", input_zero=-128, output_zero=-128),
        Conv("3x3-zero-points-high", input_zero=127, output_zero=127),
        Conv("3x3-sparse", weight_zero_share=0.85, depth=32),
        Conv("3x3-all-zero-weights", weight_zero_share=1.0),
        Conv("3x3-saturating", gain=0.1),
        Conv("3x3-small-gain", gain=40.0),
        Conv("5x5", kernel=(5, 5), depth=4, channels=12, size=(9, 9)),
        Conv("5x5-stride2-valid", kernel=(5, 5), stride=(2, 2), padding="valid", size=(13, 13)),
        Conv("7x7", kernel=(7, 7), depth=3, channels=5, size=(10, 12)),
        Conv("9x9", kernel=(9, 9), depth=2, channels=9, size=(12, 12)),
        Conv("9x9-stride2", kernel=(9, 9), depth=5, channels=3, size=(15, 15), stride=(2, 2)),
        Conv("1x7", kernel=(1, 7), size=(3, 20)),
        Conv("7x1", kernel=(7, 1), size=(20, 3)),
        Conv("10x4-stride2", kernel=(10, 4), depth=1, channels=16, size=(25, 10), stride=(2, 2)),
        Conv("2x2-valid", kernel=(2, 2), padding="valid"),
        Conv("4x3", kernel=(4, 3), size=(9, 9)),
        Conv("1x64", kernel=(1, 64), size=(1, 70), depth=1, channels=4, padding="valid"),
        Conv("3x3-one-pixel", size=(1, 1)),
        Conv("3x3-row", size=(1, 30)),
        Conv("3x3-column", size=(30, 1)),
        *_conv_of_16_bits(),
    ]


def _conv_of_16_bits() -> list[Case]:
    return [
        Conv("1x1-depth7-to-9", dtype="int16", kernel=(1, 1), depth=7, channels=9),
        Conv("3x3", dtype="int16"),
        Conv("3x3-stride2", dtype="int16", stride=(2, 2), size=(9, 7)),
        Conv("3x3-relu", dtype="int16", activation="relu"),
        Conv("3x3-relu6", dtype="int16", activation="relu6"),
        Conv("3x3-no-bias", dtype="int16", bias=False),
        Conv("3x3-dilation2", dtype="int16", dilation=(2, 2), size=(10, 10)),
        Conv("5x5-depth17-to-33", dtype="int16", kernel=(5, 5), depth=17, channels=33),
        Conv("3x3-saturating", dtype="int16", gain=0.1),
    ]


def _depthwise() -> list[Case]:
    def case(name: str, **attributes: Any) -> DepthwiseConv:
        return DepthwiseConv(name, **attributes)

    return [
        case("3x3"),
        case("3x3-valid", padding="valid"),
        case("3x3-stride2", stride=(2, 2), size=(11, 9)),
        case("3x3-stride3", stride=(3, 3), size=(11, 9)),
        case("3x3-dilation2", dilation=(2, 2), size=(12, 12)),
        case("3x3-depth1", depth=1),
        case("3x3-depth17", depth=17),
        case("3x3-depth130", depth=130, size=(5, 5)),
        case("3x3-relu6", activation="relu6"),
        case("3x3-per-tensor", per_channel=False),
        case("3x3-large-48x48", depth=8, size=(48, 48)),
        case("3x3-depth1-multiplier8", depth=1, multiplier=8),
        case("10x8-depth1-multiplier8", depth=1, multiplier=8, kernel=(10, 8), size=(49, 40),
             stride=(2, 2)),
        case("3x3-depth4-multiplier3", depth=4, multiplier=3),
        case("5x5", kernel=(5, 5), size=(9, 10), depth=12),
        case("7x7-valid", kernel=(7, 7), size=(12, 9), padding="valid"),
        case("9x1", kernel=(9, 1), size=(20, 2), depth=24),
        case("1x9", kernel=(1, 9), size=(2, 20), depth=24),
        case("4x4-to-one-pixel", kernel=(4, 4), size=(4, 4), padding="valid", depth=40),
        case("3x3-zero-points-high", input_zero=127, output_zero=127),
        case("3x3", dtype="int16"),
        case("3x3-stride2-relu", dtype="int16", stride=(2, 2), activation="relu", depth=17),
        case("5x5-depth33", dtype="int16", kernel=(5, 5), depth=33),
    ]  # fmt: skip


def _transpose() -> list[Case]:
    def case(name: str, **attributes: Any) -> TransposeConv:
        return TransposeConv(name, **attributes)

    return [
        case("3x3-stride2"),
        case("3x3-stride2-valid", padding="valid"),
        case("2x2-stride2", kernel=(2, 2)),
        case("2x2-stride2-valid", kernel=(2, 2), padding="valid"),
        case("4x4-stride2", kernel=(4, 4), depth=5, channels=19),
        case("3x3-stride1", stride=(1, 1)),
        case("5x5-stride2-odd", kernel=(5, 5), size=(5, 7), depth=3, channels=4),
        case("1x4-stride1x2", kernel=(1, 4), size=(1, 9), stride=(1, 2)),
        case("3x3-stride2-no-bias", bias=False, depth=17, channels=9),
        case("3x3-stride2", dtype="int16"),
        case("4x4-stride2-valid", dtype="int16", kernel=(4, 4), padding="valid"),
    ]


CASES: tuple[Case, ...] = (
    *_conv(),
    *_depthwise(),
    *_transpose(),
)
