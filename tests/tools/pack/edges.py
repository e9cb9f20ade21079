# SPDX-License-Identifier: Apache-2.0
"""One convolution between inputs and outputs of other types, and a filter bank with state."""

from __future__ import annotations

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

SHAPE = (1, 6, 6, 8)
_INNER = Quantisation.tensor(0.04, -3)
_WIDE = Quantisation.tensor(0.0003)
#: Quantisation of the edges by their type; floats have none.
_EDGES = {
    "float32": None,
    "uint8": Quantisation.tensor(0.05, 120),
    "int16": Quantisation.tensor(0.0004),
    "int32": Quantisation.tensor(0.0001),
    "int8": Quantisation.tensor(0.06, 5),
}


def _convolution(model: ModelBuilder, name: str, given: int, dtype: str, scale: float) -> int:
    values = np.random.default_rng(7)
    weights = values.integers(-127, 128, (8, 3, 3, 8), np.int8)
    wide = dtype == "int16"
    bias = values.integers(-300, 300, (8,), np.int64 if wide else np.int32)
    result = _WIDE if wide else _INNER
    output = model.activation(name, SHAPE, np.dtype(dtype), result)
    model.operator(
        "CONV_2D",
        [
            given,
            model.constant(f"{name}_w", weights, Quantisation.channels([0.01] * 8, 0)),
            model.constant(f"{name}_b", bias, Quantisation.channels([0.01 * scale] * 8, 0)),
        ],
        [output], "Conv2DOptions", version=3, strideH=1, strideW=1, dilationHFactor=1,
        dilationWFactor=1,
    )  # fmt: skip
    return output


def edge_model(before: str, after: str, inner: str = "int8") -> bytes:
    """Input of one type, a convolution of another, output of a third."""
    model = ModelBuilder()
    inside = _WIDE if inner == "int16" else _INNER
    given = model.input("x", SHAPE, np.dtype(before), _EDGES[before])
    if before != inner:
        converted = model.activation("quantised", SHAPE, np.dtype(inner), inside)
        model.operator("QUANTIZE", [given], [converted], "QuantizeOptions")
        given, scale = converted, inside.scale
    else:
        scale = _EDGES[before].scale if _EDGES[before] else 1.0
    result = _convolution(model, "conv", given, inner, scale)
    if after == inner:
        model.hand_back(result)
        return model.finish()
    output = model.output("y", SHAPE, np.dtype(after), _EDGES[after])
    kind, options = ("DEQUANTIZE", "DequantizeOptions") if after == "float32" else (
        "QUANTIZE", "QuantizeOptions",
    )  # fmt: skip
    model.operator(kind, [result], [output], options)
    return model.finish()


def svdf_model(state: str) -> bytes:
    """A dense layer of the NPU, a filter bank along time, and a dense layer again."""
    model = ModelBuilder()
    values = np.random.default_rng(11)
    features, filters, memory, units = 12, 8, 5, 4

    def dense(name: str, given: int, sizes: tuple[int, int], quantisation: Quantisation) -> int:
        output = model.activation(name, (1, sizes[1]), np.int8, quantisation)
        weights = values.integers(-127, 128, (sizes[1], sizes[0]), np.int8)
        model.operator(
            "FULLY_CONNECTED",
            [
                given,
                model.constant(f"{name}_w", weights, Quantisation.tensor(0.02)),
                model.constant(
                    f"{name}_b",
                    values.integers(-300, 300, (sizes[1],), np.int32),
                    Quantisation.tensor(0.02 * 0.05),
                ),
            ],
            [output], "FullyConnectedOptions",
        )  # fmt: skip
        return output

    scale = Quantisation.tensor(0.05, 2)
    wide = state == "int16"
    given = dense("first", model.input("x", (1, 10), np.int8, scale), (10, features), scale)
    output = model.activation("svdf", (1, units), np.int8, Quantisation.tensor(0.05, -7))
    kept = Quantisation.tensor(0.001 if wide else 0.05, 0 if wide else 3)
    times = values.integers(-100, 100, (filters, memory), np.int16 if wide else np.int8)
    model.operator(
        "SVDF",
        [
            given,
            model.constant(
                "features", values.integers(-127, 128, (filters, features), np.int8),
                Quantisation.tensor(0.01),
            ),
            model.constant("times", times, Quantisation.tensor(0.001 if wide else 0.02)),
            model.constant(
                "bias",
                values.integers(-300, 300, (units,), np.int32),
                Quantisation.tensor(1e-6 if wide else 1e-3),
            ),
            model.activation("state", (1, filters * memory), np.dtype(state), kept, variable=True),
        ],
        [output], "SVDFOptions", rank=2,
    )  # fmt: skip
    model.hand_back(dense("last", output, (units, 3), scale))
    return model.finish()
