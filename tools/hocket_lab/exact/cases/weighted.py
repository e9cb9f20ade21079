# SPDX-License-Identifier: Apache-2.0
"""What convolutions and fully connected layers share: weights, biases and their scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hocket_tools.tflite.builder import ABSENT, ModelBuilder, Quantisation

from ..case import Case, spread

_WEIGHT_RMS = 73.0


@dataclass(frozen=True)
class Weighted(Case):
    """What every operator with constant weights has."""

    activation: str = "none"
    bias: bool = True
    per_channel: bool = True
    input_scale: float = 0.037
    input_zero: int = -5
    output_zero: int = 7
    weight_zero_share: float = 0.0
    """Share of weights that are zero: the weight compressor treats zero runs apart."""
    gain: float = 1.0
    """Factor on the output scale: below one clips more."""

    def weights(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        random = self.generator("weights")
        values = random.integers(-127, 127, shape, np.int8, endpoint=True)
        if self.weight_zero_share:
            values[random.random(shape) < self.weight_zero_share] = 0
        return values

    def weight_quantisation(self, channels: int, axis: int) -> Quantisation:
        if not self.per_channel:
            return Quantisation.tensor(0.0051)
        random = self.generator("scales")
        return Quantisation.channels(
            (0.004 * 2 ** random.uniform(-1.5, 1.5, channels)).tolist(), axis
        )

    def input_quantisation(self) -> Quantisation:
        scale = self.input_scale / 256 if self.is_int16 else self.input_scale
        return self.quantisation(scale, self.input_zero)

    def output_quantisation(self, products: int) -> Quantisation:
        scale = spread(products, self.input_scale, 0.0045, _WEIGHT_RMS) * self.gain
        return self.quantisation(scale / 256 if self.is_int16 else scale, self.output_zero)

    def add_bias(
        self, model: ModelBuilder, channels: int, products: int, weights: Quantisation
    ) -> int:
        if not self.bias:
            return ABSENT
        limit = int(_WEIGHT_RMS * (19000 if self.is_int16 else 74) * np.sqrt(products))
        values = self.generator("bias").integers(-limit, limit, channels, endpoint=True)
        scales = np.array(weights.scales) * self.input_quantisation().scale
        quantisation = Quantisation(tuple(scales.tolist()), (0,) * len(scales), 0)
        return model.constant(
            "bias", values.astype(np.int64 if self.is_int16 else np.int32), quantisation
        )
