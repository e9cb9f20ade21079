# SPDX-License-Identifier: Apache-2.0
"""What a generated model is, and the layers that several families build."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.builder import ModelBuilder, Quantisation, unpack_model, write_model

from ..table import Expected

EXACT = Expected("exact")
SCALE = Quantisation.tensor(0.05, 3)
SHAPE = (1, 6, 6, 4)


@dataclass(frozen=True)
class Example:
    """A file, and what should become of it."""

    name: str
    """Of the file, with its suffix."""
    data: bytes
    expected: Expected = EXACT
    signature: str | None = None
    lines: str = ""
    """More lines of its task."""


def refused(says: str) -> Expected:
    """A refusal whose reason says something."""
    return Expected("refused", says)


def random(name: str) -> np.random.Generator:
    """A generator seeded by a name."""
    return np.random.default_rng(list(name.encode()))


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    """A model with something changed in the schema's objects."""
    tree = unpack_model(data)
    change(tree)
    return write_model(tree)


def weights(name: str, shape: Sequence[int], low: int = -127, high: int = 128) -> NDArray[Any]:
    """Random int8 weights."""
    return random(name).integers(low, high, tuple(shape)).astype(np.int8)


def convolved(
    model: ModelBuilder, given: int, result: int, channels: tuple[int, int], kernel: int = 3
) -> None:
    """Add a CONV_2D with SAME padding and stride 1."""
    depth, out = channels
    values = weights(f"conv{depth}{out}", (out, kernel, kernel, depth))
    scales = Quantisation.channels([0.004 + 0.001 * i for i in range(out)], 0)
    bias = random("bias").integers(-500, 500, out).astype(np.int32)
    biases = Quantisation.channels([0.05 * s for s in scales.scales], 0)
    model.operator(
        "CONV_2D",
        (given, model.constant("w", values, scales), model.constant("b", bias, biases)),
        (result,),
        "Conv2DOptions",
        version=3,
        padding=schema.Padding.SAME,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
    )


def network(depth: int = 4, size: int = 6) -> bytes:
    """Two convolutions, with the activation between them as tensor 3."""
    model = ModelBuilder()
    shape = (1, size, size, depth)
    given = model.input("given", shape, np.int8, SCALE)
    middle = model.activation("middle", shape, np.int8, SCALE)
    result = model.output("result", shape, np.int8, SCALE)
    convolved(model, given, middle, (depth, depth))
    convolved(model, middle, result, (depth, depth), 1)
    return model.finish()
