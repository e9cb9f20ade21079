# SPDX-License-Identifier: Apache-2.0
"""Random small graphs in which operators of both units take turns."""

from __future__ import annotations

import random

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

_CHANNELS = 8


class _Graph:
    """A feature map after the other, any of which a later layer may take up again."""

    def __init__(self, seed: int, dtype: str) -> None:
        self.random = random.Random(seed)
        self.values = np.random.default_rng(seed)
        self.dtype = np.dtype(dtype)
        self.model = ModelBuilder()
        self.size = self.random.choice([4, 5, 8])
        self.maps: list[int] = []
        self.scales: list[Quantisation] = []
        self.count = 0

    def scale(self) -> Quantisation:
        wide = self.dtype == np.int16
        zero = 0 if wide else self.random.randint(-20, 20)
        return Quantisation.tensor(self.random.uniform(0.5, 2) * (0.0002 if wide else 0.05), zero)

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def shape(self) -> tuple[int, ...]:
        return 1, self.size, self.size, _CHANNELS

    def add(self, name: str, quantisation: Quantisation) -> int:
        self.maps.append(self.model.activation(name, self.shape(), self.dtype, quantisation))
        self.scales.append(quantisation)
        return self.maps[-1]

    def pick(self) -> int:
        """The latest map mostly, sometimes one from before."""
        last = len(self.maps) - 1
        return last if self.random.random() < 0.7 else self.random.randint(0, last)

    def convolution(self) -> None:
        at, name, side = self.pick(), self.name("conv"), self.random.choice([1, 3])
        given, result = self.scales[at], self.scale()
        weights = self.values.integers(-127, 128, (_CHANNELS, side, side, _CHANNELS), np.int8)
        scales = [0.02 * self.random.uniform(0.5, 1) / side for _ in range(_CHANNELS)]
        wide = np.int64 if self.dtype == np.int16 else np.int32
        bias = self.values.integers(-500, 500, (_CHANNELS,), wide)
        inputs = [
            self.maps[at],
            self.model.constant(f"{name}_w", weights, Quantisation.channels(scales, 0)),
            self.model.constant(
                f"{name}_b", bias, Quantisation.channels([given.scale * s for s in scales], 0)
            ),
        ]
        self.model.operator(
            "CONV_2D", inputs, [self.add(name, result)], "Conv2DOptions", version=3, strideH=1,
            strideW=1, dilationHFactor=1, dilationWFactor=1,
            fusedActivationFunction=self.random.choice([0, 1]),
        )  # fmt: skip

    def sum(self) -> None:
        a, b = self.pick(), self.pick()
        name, result = self.name("add"), self.scale()
        inputs = [self.maps[a], self.maps[b]]
        self.model.operator("ADD", inputs, [self.add(name, result)], "AddOptions")

    def gather(self) -> None:
        at, name, axis = self.pick(), self.name("gather"), self.random.choice([1, 2, 3])
        order = self.values.permutation(self.shape()[axis]).astype(np.int32)
        inputs = [self.maps[at], self.model.constant(f"{name}_order", order)]
        output = self.add(name, self.scales[at])
        self.model.operator("GATHER", inputs, [output], "GatherOptions", axis=axis)

    def reverse(self) -> None:
        at, name = self.pick(), self.name("reverse")
        axis = self.model.constant(f"{name}_axis", np.array([self.random.choice([1, 2])], np.int32))
        output = self.add(name, self.scales[at])
        self.model.operator("REVERSE_V2", [self.maps[at], axis], [output], "ReverseV2Options")


def mixed_graph(seed: int, dtype: str = "int8", layers: int = 7) -> bytes:
    """Draw a model; its last map is the output.

    Of int16 the reference gathers nothing: there the caller puts layers on the processor.
    """
    graph = _Graph(seed, dtype)
    quantisation = graph.scale()
    graph.maps.append(graph.model.input("x", graph.shape(), graph.dtype, quantisation))
    graph.scales.append(quantisation)
    npu = [graph.convolution, graph.convolution, graph.sum]
    cpu = [graph.sum] if dtype == "int16" else [graph.gather, graph.gather, graph.reverse]
    for _ in range(layers):
        graph.random.choice(npu if graph.random.random() < 0.6 else cpu)()
    graph.convolution()
    graph.model.hand_back(graph.maps[-1])
    return graph.model.finish()
