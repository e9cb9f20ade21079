# SPDX-License-Identifier: Apache-2.0
"""Short chains that Vela fuses, cascades or rewrites: arithmetic that no single operator shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..case import PADDINGS, Case, spread

_Step = Callable[["_Chain"], None]


class _Chain:
    """Builds operators one behind the other."""

    def __init__(self, model: ModelBuilder, case: Chain) -> None:
        self.model = model
        self.case = case
        self.random = case.generator("weights")
        self.shape = case.shape
        self.scale = 0.04
        self.zero = 5
        self.steps = 0
        self.last = model.input("input", self.shape, case.dtype, self.quantisation())
        self.first = self.last
        self.first_quantisation = self.quantisation()

    def quantisation(self) -> Quantisation:
        """Quantisation of the current tensor."""
        return Quantisation.tensor(self.scale, self.zero)

    def add(
        self, name: str, *more: int, options: str | None = None, version: int = 2, **fields: Any
    ) -> None:
        """Add an operator on the last tensor; its output is the model's at the last step."""
        final = self.steps == len(self.case.steps) - 1
        make = self.model.output if final else self.model.activation
        result = make(f"t{self.steps}", self.shape, self.case.dtype, self.quantisation())
        self.model.operator(name, (self.last, *more), (result,), options, version=version, **fields)
        self.last = result
        self.steps += 1


def _conv(channels: int, kernel: int = 3, stride: int = 1) -> _Step:
    def step(chain: _Chain) -> None:
        _, height, width, depth = chain.shape
        values = chain.random.integers(-127, 127, (channels, kernel, kernel, depth), endpoint=True)
        weights = Quantisation.tensor(0.006)
        bias_scale = Quantisation.tensor(0.006 * chain.scale)
        products = kernel * kernel * depth
        bias = chain.random.integers(-20000, 20000, channels).astype(np.int32)
        chain.scale, chain.zero = spread(products, chain.scale, 0.006, 73.0), -9
        chain.shape = (1, -(-height // stride), -(-width // stride), channels)
        chain.add(
            "CONV_2D",
            chain.model.constant(f"w{chain.steps}", values.astype(np.int8), weights),
            chain.model.constant(f"b{chain.steps}", bias, bias_scale),
            options="Conv2DOptions",
            version=3,
            padding=PADDINGS["same"],
            strideH=stride,
            strideW=stride,
        )

    return step


def _unary(name: str, scale: float, zero: int, options: str | None = None, **fields: Any) -> _Step:
    def step(chain: _Chain) -> None:
        chain.scale, chain.zero = scale, zero
        chain.add(name, options=options, **fields)

    return step


def _same(name: str, options: str | None = None, **fields: Any) -> _Step:
    return lambda chain: chain.add(name, options=options, **fields)


def _pad(amount: int) -> _Step:
    def step(chain: _Chain) -> None:
        one, height, width, depth = chain.shape
        chain.shape = (one, height + 2 * amount, width + 2 * amount, depth)
        around = np.array([[0, 0], [amount, amount], [amount, amount], [0, 0]], np.int32)
        chain.add("PAD", chain.model.constant(f"p{chain.steps}", around), options="PadOptions")

    return step


def _reshape(*shape: int) -> _Step:
    def step(chain: _Chain) -> None:
        chain.shape = shape
        wanted = chain.model.constant(f"s{chain.steps}", np.array(shape, np.int32))
        chain.add("RESHAPE", wanted, options="ReshapeOptions", newShape=list(shape))

    return step


def _add_input(scale: float, zero: int) -> _Step:
    def step(chain: _Chain) -> None:
        chain.scale, chain.zero = scale, zero
        chain.add("ADD", chain.first, options="AddOptions")

    return step


def _pool(name: str) -> _Step:
    def step(chain: _Chain) -> None:
        one, height, width, depth = chain.shape
        chain.shape = (one, height // 2, width // 2, depth)
        chain.add(
            name,
            options="Pool2DOptions",
            padding=PADDINGS["valid"],
            strideH=2,
            strideW=2,
            filterHeight=2,
            filterWidth=2,
        )

    return step


@dataclass(frozen=True)
class Chain(Case):
    """Operators one behind the other."""

    shape: tuple[int, ...] = (1, 8, 8, 8)
    steps: tuple[_Step, ...] = ()

    @property
    def op(self) -> str:
        """Not one operator but several."""
        return "CHAIN"

    def build(self, model: ModelBuilder) -> None:
        """Add the operators."""
        chain = _Chain(model, self)
        for step in self.steps:
            step(chain)


_LOGISTIC = _unary("LOGISTIC", 1 / 256, -128)
_TANH = _unary("TANH", 1 / 128, 0)

CASES: tuple[Case, ...] = (
    Chain("conv-logistic", steps=(_conv(8), _LOGISTIC)),
    Chain("conv-tanh", steps=(_conv(17), _TANH)),
    Chain("conv-hard-swish", steps=(_conv(8), _unary("HARD_SWISH", 0.4, -20, "HardSwishOptions"))),
    Chain("conv-leaky-relu",
          steps=(_conv(8), _unary("LEAKY_RELU", 0.9, 4, "LeakyReluOptions", alpha=0.2))),
    Chain("conv-relu", steps=(_conv(8), _same("RELU"))),
    Chain("conv-relu6", steps=(_conv(8), _same("RELU6"))),
    Chain("conv-requantise", steps=(_conv(8), _unary("QUANTIZE", 0.9, 31, "QuantizeOptions"))),
    Chain("conv-logistic-requantise",
          steps=(_conv(8), _LOGISTIC, _unary("QUANTIZE", 0.007, 31, "QuantizeOptions"))),
    Chain("pad-conv", steps=(_pad(1), _conv(8))),
    Chain("pad2-conv5", steps=(_pad(2), _conv(8, 5, 2))),
    Chain("pad-max-pool", steps=(_pad(1), _pool("MAX_POOL_2D"))),
    Chain("conv-max-pool", steps=(_conv(12), _pool("MAX_POOL_2D"))),
    Chain("conv-average-pool", steps=(_conv(12), _pool("AVERAGE_POOL_2D"))),
    Chain("residual", steps=(_conv(8), _add_input(0.9, 11))),
    Chain("residual-relu", steps=(_conv(8), _add_input(0.9, 11), _same("RELU"))),
    Chain("conv-conv-conv", shape=(1, 40, 40, 3), steps=(_conv(16), _conv(16), _conv(8, 3, 2))),
    Chain("conv-1x1-conv", shape=(1, 33, 21, 5), steps=(_conv(24), _conv(40, 1), _conv(7))),
    Chain("conv-reshape-softmax", shape=(1, 4, 4, 8),
          steps=(_conv(3), _reshape(1, 48),
                 _unary("SOFTMAX", 1 / 256, -128, "SoftmaxOptions", beta=0.02))),
    Chain("reshape-conv", shape=(1, 240), steps=(_reshape(1, 6, 5, 8), _conv(8))),
    Chain("tanh-logistic", steps=(_TANH, _LOGISTIC)),
)  # fmt: skip
