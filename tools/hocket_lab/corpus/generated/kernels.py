# SPDX-License-Identifier: Apache-2.0
"""Layers that tflite_micro has no kernel for, and one that ends its process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..table import Expected
from .example import SCALE, SHAPE, Example, convolved, random, refused

_BYTES = Quantisation.tensor(0.05, 120)


def examples() -> Iterator[Example]:
    """The second oracle judges what the first has no kernel for."""
    for multiples in ((1, 2, 3, 1), (2, 1, 1, 1)):
        name = "x".join(map(str, multiples))
        yield Example(f"tile-{name}.tflite", _tiled(multiples))
    for kernel in (1, 3):
        yield Example(f"uint8-conv-{kernel}.tflite", _of_bytes(kernel))
    yield Example("uint8-pool.tflite", _pooled_bytes())
    yield Example("uint8-dense.tflite", _dense_bytes())
    for axes in ((0, 1, 2, 4, 3), (0, 2, 1, 3, 4)):
        name = "".join(map(str, axes))
        yield Example(f"five-axes-transpose-{name}.tflite", _transposed((1, 2, 3, 4, 5), axes))
    yield Example("exp.tflite", _exponential())
    yield Example(
        "softmax-tiny-scale.tflite",
        _softmax(1e-20),
        Expected("unjudged", "SOFTMAX 'result': tflite_micro crashes"),
    )
    yield Example("softmax.tflite", _softmax(0.1))
    yield Example("cos.tflite", _of_kind("COS", "CosOptions"), refused("COS"))
    yield Example("while.tflite", _of_kind("WHILE", "WhileOptions"), refused("out of range"))


def _tiled(multiples: Sequence[int]) -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.int8, SCALE)
    middle = model.activation("middle", SHAPE, np.int8, SCALE)
    shape = tuple(n * m for n, m in zip(SHAPE, multiples, strict=True))
    result = model.output("result", shape, np.int8, SCALE)
    convolved(model, given, middle, (4, 4))
    times = model.constant("times", np.array(multiples, np.int32))
    model.operator("TILE", (middle, times), (result,), "TileOptions")
    return model.finish()


def _of_bytes(kernel: int) -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.uint8, _BYTES)
    result = model.output("result", SHAPE, np.uint8, _BYTES)
    draw = random(f"bytes{kernel}")
    weights = draw.integers(0, 256, (4, kernel, kernel, 4)).astype(np.uint8)
    bias = draw.integers(-500, 500, 4).astype(np.int32)
    model.operator(
        "CONV_2D",
        (
            given,
            model.constant("w", weights, Quantisation.tensor(0.01, 128)),
            model.constant("b", bias, Quantisation.tensor(0.0005)),
        ),
        (result,),
        "Conv2DOptions",
        padding=schema.Padding.SAME,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
    )
    return model.finish()


def _pooled_bytes() -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.uint8, _BYTES)
    result = model.output("result", (1, 3, 3, 4), np.uint8, _BYTES)
    model.operator(
        "MAX_POOL_2D",
        (given,),
        (result,),
        "Pool2DOptions",
        padding=schema.Padding.VALID,
        strideH=2,
        strideW=2,
        filterHeight=2,
        filterWidth=2,
    )
    return model.finish()


def _dense_bytes() -> bytes:
    model = ModelBuilder()
    given = model.input("given", (1, 24), np.uint8, _BYTES)
    result = model.output("result", (1, 8), np.uint8, _BYTES)
    draw = random("dense")
    weights = draw.integers(0, 256, (8, 24)).astype(np.uint8)
    bias = draw.integers(-500, 500, 8).astype(np.int32)
    inputs = (
        given,
        model.constant("w", weights, Quantisation.tensor(0.01, 128)),
        model.constant("b", bias, Quantisation.tensor(0.0005)),
    )
    model.operator("FULLY_CONNECTED", inputs, (result,), "FullyConnectedOptions")
    return model.finish()


def _transposed(shape: tuple[int, ...], axes: tuple[int, ...]) -> bytes:
    model = ModelBuilder()
    given = model.input("given", shape, np.int8, SCALE)
    result = model.output("result", tuple(shape[a] for a in axes), np.int8, SCALE)
    order = model.constant("axes", np.array(axes, np.int32))
    model.operator("TRANSPOSE", (given, order), (result,), "TransposeOptions")
    return model.finish()


def _exponential() -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.int8, Quantisation.tensor(0.02))
    result = model.output("result", SHAPE, np.int8, Quantisation.tensor(0.06, -128))
    model.operator("EXP", (given,), (result,), "ExpOptions")
    return model.finish()


def _softmax(scale: float) -> bytes:
    model = ModelBuilder()
    given = model.input("given", (1, 10), np.int8, Quantisation.tensor(scale))
    result = model.output("result", (1, 10), np.int8, Quantisation.tensor(1 / 256, -128))
    model.operator("SOFTMAX", (given,), (result,), "SoftmaxOptions", beta=1.0)
    return model.finish()


def _of_kind(kind: str, options: str) -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.int8, SCALE)
    result = model.output("result", SHAPE, np.int8, SCALE)
    attributes: dict[str, Any] = {"condSubgraphIndex": 1} if kind == "WHILE" else {}
    model.operator(kind, (given,), (result,), options, **attributes)
    return model.finish()
