# SPDX-License-Identifier: Apache-2.0
"""A network of MobileNetV2's shape with random weights: 300 million multiply-accumulates.

Its layers are those of Sandler et al. 2018 (inverted residuals); what it computes means nothing.
Scales are chosen so that activations neither vanish nor clip throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..exact.case import PADDINGS

#: Expansion, channels, repetitions and first stride of each stage.
_STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
    (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
_WEIGHT_RMS = 30.0
_INPUT_RMS = 74.0


@dataclass
class _Activation:
    index: int
    shape: tuple[int, int, int]
    zero_point: int


class _Network:
    scale = 0.03

    def __init__(self, size: int, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.model = ModelBuilder()
        self.count = 0
        first = self.model.input("image", (1, size, size, 3), np.int8, self._quantisation(-1))
        self.last = _Activation(first, (size, size, 3), -1)

    def _quantisation(self, zero: int) -> Quantisation:
        return Quantisation.tensor(self.scale, zero)

    def _new(self, shape: tuple[int, int, int], zero: int, *, final: bool = False) -> _Activation:
        self.count += 1
        make = self.model.output if final else self.model.activation
        index = make(f"t{self.count}", (1, *shape), np.int8, self._quantisation(zero))
        return _Activation(index, shape, zero)

    def convolve(
        self,
        channels: int | None,
        kernel: int,
        stride: int = 1,
        *,
        linear: bool = False,
        final: bool = False,
    ) -> None:
        """Add a convolution; depthwise without ``channels``."""
        height, width, depth = self.last.shape
        depthwise = channels is None
        out = depth if channels is None else channels
        products = kernel * kernel * (1 if depthwise else depth)
        step = 128 / (_WEIGHT_RMS * _INPUT_RMS * 2.5 * float(np.sqrt(products)))
        shape = (1, kernel, kernel, depth) if depthwise else (out, kernel, kernel, depth)
        values = self.random.normal(0, _WEIGHT_RMS, shape).round().clip(-127, 127)
        weights = self.model.constant(
            f"w{self.count}",
            values.astype(np.int8),
            Quantisation.channels([step] * out, 3 if depthwise else 0),
        )
        bias = self.model.constant(
            f"b{self.count}",
            self.random.integers(-3000, 3000, out).astype(np.int32),
            Quantisation.channels([step * self.scale] * out, 0),
        )
        source = self.last
        self.last = self._new(
            (-(-height // stride), -(-width // stride), out), 3 if linear else -128, final=final
        )
        fields = {"padding": PADDINGS["same"], "strideH": stride, "strideW": stride}
        if depthwise:
            fields["depthMultiplier"] = 1
        self.model.operator(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            (source.index, weights, bias),
            (self.last.index,),
            "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions",
            version=3,
            **fields,
        )

    def block(self, expansion: int, channels: int, stride: int) -> None:
        """Add an inverted residual."""
        source = self.last
        if expansion > 1:
            self.convolve(expansion * source.shape[2], 1)
        self.convolve(None, 3, stride)
        self.convolve(channels, 1, linear=True)
        if self.last.shape == source.shape:
            operands = (source.index, self.last.index)
            self.last = self._new(source.shape, 2)
            self.model.operator("ADD", operands, (self.last.index,), "AddOptions", version=2)

    def pool(self) -> None:
        """Average over the whole map."""
        source = self.last
        height, width, depth = source.shape
        self.last = self._new((1, 1, depth), source.zero_point)
        self.model.operator(
            "AVERAGE_POOL_2D",
            (source.index,),
            (self.last.index,),
            "Pool2DOptions",
            version=2,
            padding=PADDINGS["valid"],
            strideH=1,
            strideW=1,
            filterHeight=height,
            filterWidth=width,
        )


def mobilenet(*, size: int = 224, classes: int = 1000, seed: int = 1) -> bytes:
    """The .tflite file.

    Parameters
    ----------
    size
        Height and width of the image.
    classes
        Channels of the output.
    seed
        Of the weights.
    """
    network = _Network(size, seed)
    network.convolve(32, 3, 2)
    for expansion, channels, repetitions, stride in _STAGES:
        for index in range(repetitions):
            network.block(expansion, channels, 1 if index else stride)
    network.convolve(1280, 1)
    network.pool()
    network.convolve(classes, 1, linear=True, final=True)
    return network.model.finish()
