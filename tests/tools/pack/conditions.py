# SPDX-License-Identifier: Apache-2.0
"""A comparison and a selection by it between convolutions: truth values inside a network."""

from __future__ import annotations

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

SHAPE = (1, 4, 4, 4)
_SCALE = Quantisation.tensor(0.05, 2)


def condition_model(*, edge: bool = False) -> bytes:
    """Where one map exceeds the other, the first, else the second; the condition as output, too."""
    model = ModelBuilder()
    values = np.random.default_rng(9)
    given = model.input("x", SHAPE, np.int8, _SCALE)

    def convolution(name: str, of: int) -> int:
        output = model.activation(name, SHAPE, np.int8, _SCALE)
        weights = values.integers(-127, 128, (4, 1, 1, 4), np.int8)
        model.operator(
            "CONV_2D",
            [
                of,
                model.constant(f"{name}_w", weights, Quantisation.channels([0.02] * 4, 0)),
                model.constant(
                    f"{name}_b",
                    values.integers(-200, 200, (4,), np.int32),
                    Quantisation.channels([0.02 * 0.05] * 4, 0),
                ),
            ],
            [output], "Conv2DOptions", version=3, strideH=1, strideW=1, dilationHFactor=1,
            dilationWFactor=1,
        )  # fmt: skip
        return output

    left, right = convolution("left", given), convolution("right", given)
    greater = model.activation("greater", SHAPE, np.bool_, None)
    model.operator("GREATER", [left, right], [greater], "GreaterOptions")
    chosen = model.activation("chosen", SHAPE, np.int8, _SCALE)
    model.operator("SELECT_V2", [greater, left, right], [chosen], "SelectV2Options")
    model.hand_back(convolution("last", chosen))
    if edge:
        model.hand_back(greater)
    return model.finish()
