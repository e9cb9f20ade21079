# SPDX-License-Identifier: Apache-2.0
"""Products without a window: FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..case import ACTIVATIONS, Case, spread
from .weighted import Weighted


@dataclass(frozen=True)
class FullyConnected(Weighted):
    """FULLY_CONNECTED."""

    operator: ClassVar[str] = "FULLY_CONNECTED"
    per_channel: bool = False
    batch: int = 1
    depth: int = 16
    channels: int = 8

    def build(self, model: ModelBuilder) -> None:
        """Add the product."""
        weights = self.weight_quantisation(self.channels, 0)
        source = model.input(
            "input", (self.batch, self.depth), self.dtype, self.input_quantisation()
        )
        kernel = model.constant("weights", self.weights((self.channels, self.depth)), weights)
        bias = self.add_bias(model, self.channels, self.depth, weights)
        result = model.output(
            "output",
            (self.batch, self.channels),
            self.dtype,
            self.output_quantisation(self.depth),
        )
        model.operator(
            self.op,
            (source, kernel, bias),
            (result,),
            "FullyConnectedOptions",
            version=4,
            fusedActivationFunction=ACTIVATIONS[self.activation],
        )


@dataclass(frozen=True)
class TiedFullyConnected(FullyConnected):
    """FULLY_CONNECTED whose biases scale to ties: a sum that is the bias alone shows the scale."""

    def add_bias(
        self, model: ModelBuilder, channels: int, products: int, weights: Quantisation
    ) -> int:
        """Add biases nearest to the ties of -n/2 .. n/2 output steps."""
        unit = self.input_quantisation().scale * weights.scale
        step = self.output_quantisation(products).scale / unit
        ties = np.arange(channels) - channels // 2 + 0.5
        return model.constant(
            "bias", np.round(ties * step).astype(np.int32), Quantisation.tensor(unit)
        )


@dataclass(frozen=True)
class BatchMatmul(Case):
    """BATCH_MATMUL of two activations."""

    operator: ClassVar[str] = "BATCH_MATMUL"
    left: tuple[int, ...] = (1, 4, 8)
    right: tuple[int, ...] = (1, 8, 6)
    adj_y: bool = False
    zeros: tuple[int, int, int] = (0, 0, 0)

    def build(self, model: ModelBuilder) -> None:
        """Add the product."""
        unit = 1 / 256 if self.is_int16 else 1.0
        columns = self.right[-2] if self.adj_y else self.right[-1]
        a = model.input("a", self.left, self.dtype, self.quantisation(0.03 * unit, self.zeros[0]))
        b = model.input("b", self.right, self.dtype, self.quantisation(0.02 * unit, self.zeros[1]))
        scale = spread(self.left[-1], 0.03, 0.02, 74.0) * unit
        result = model.output(
            "output",
            (*self.left[:-1], columns),
            self.dtype,
            self.quantisation(scale, self.zeros[2]),
        )
        model.operator(self.op, (a, b), (result,), "BatchMatMulOptions", version=2, adjY=self.adj_y)


def _fully_connected() -> list[Case]:
    def case(name: str, **attributes: Any) -> FullyConnected:
        return FullyConnected(name, **attributes)

    return [
        case("16-to-8"),
        case("1-to-1", depth=1, channels=1, bias=False, gain=2.0),
        case("3-to-1", depth=3, channels=1),
        case("640-to-128", depth=640, channels=128),
        case("128-to-640", depth=128, channels=640),
        case("4000-to-4", depth=4000, channels=4),
        case("130-to-17", depth=130, channels=17),
        case("7-to-130", depth=7, channels=130),
        case("batch5", batch=5, depth=33, channels=12),
        case("batch16", batch=16, depth=24, channels=40),
        case("relu", activation="relu", depth=64, channels=10),
        case("relu6", activation="relu6", depth=64, channels=10),
        TiedFullyConnected(
            "ties", channels=120, gain=100.0, input_zero=0, output_zero=0, input_scale=0.394
        ),
        case("per-channel", per_channel=True, depth=48, channels=20),
        case("no-bias", bias=False, depth=40, channels=9),
        case("zero-points-low", input_zero=-128, output_zero=-128, channels=40, gain=3.0),
        case("sparse", weight_zero_share=0.9, depth=300, channels=30),
        case("16-to-8", dtype="int16"),
        case("200-to-33", dtype="int16", depth=200, channels=33),
        case("batch4-relu", dtype="int16", batch=4, depth=20, channels=15, activation="relu"),
    ]


def _matmul() -> list[Case]:
    return [
        BatchMatmul("4x8-by-8x6"),
        BatchMatmul("adj-y", left=(1, 5, 16), right=(1, 7, 16), adj_y=True),
        BatchMatmul("batch3", left=(3, 4, 9), right=(3, 9, 5)),
        BatchMatmul("zero-points", left=(1, 6, 20), right=(1, 20, 10), zeros=(-12, 9, 3)),
        BatchMatmul("4x8-by-8x6", dtype="int16"),
    ]


CASES: tuple[Case, ...] = (*_fully_connected(), *_matmul())
