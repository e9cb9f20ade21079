# SPDX-License-Identifier: Apache-2.0
"""Inputs that nothing reads or one unit reads, outputs that nothing computes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder

from .example import SCALE, SHAPE, Example, convolved, refused

_ON_CPU = "on-cpu = [0]"


def examples() -> Iterator[Example]:
    """Each on the NPU alone, and with a layer on the CPU."""
    for unit, lines in (("npu", ""), ("both", _ON_CPU)):
        for dtype in ("int8", "int16", "int32"):
            yield Example(f"input-unread-{dtype}-{unit}.tflite", _unread(dtype), lines=lines)
        yield Example(f"input-unread-first-{unit}.tflite", _unread("int8", True), lines=lines)
        for kind in ("back", "twice", "constant", "middle"):
            yield Example(f"output-{kind}-{unit}.tflite", _outputs(kind), lines=lines)
        yield Example(
            f"output-uncomputed-{unit}.tflite",
            _outputs("uncomputed"),
            refused("nothing computes"),
            lines=lines,
        )
    for unit in ("first", "second"):
        yield Example(f"input-of-{unit}-layer.tflite", _two_inputs(), lines=_of_unit(unit))


def _of_unit(which: str) -> str:
    return "on-cpu = [0]" if which == "first" else "on-cpu = [1]"


def _unread(dtype: str, first: bool = False) -> bytes:
    model = ModelBuilder()
    if first:
        model.input("idle", (1, 5), dtype, SCALE)
    given = model.input("given", SHAPE, np.int8, SCALE)
    if not first:
        quantised = None if dtype == "int32" else SCALE if dtype == "int8" else _SYMMETRIC
        model.input("idle", (1, 5), dtype, quantised)
    middle = model.activation("middle", SHAPE, np.int8, SCALE)
    result = model.output("result", SHAPE, np.int8, SCALE)
    model.operator("RELU", (given,), (middle,))
    convolved(model, middle, result, (4, 4))
    return model.finish()


_SYMMETRIC = type(SCALE).tensor(0.05)


def _outputs(kind: str) -> bytes:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.int8, SCALE)
    middle = model.activation("middle", SHAPE, np.int8, SCALE)
    result = model.output("result", SHAPE, np.int8, SCALE)
    model.operator("RELU", (given,), (middle,))
    convolved(model, middle, result, (4, 4))
    if kind == "back":
        model.hand_back(given)
    elif kind == "twice":
        model.hand_back(result)
    elif kind == "middle":
        model.hand_back(middle)
    elif kind == "constant":
        model.hand_back(model.constant("table", np.arange(7, dtype=np.int8), SCALE))
    else:
        model.hand_back(model.activation("nobody's", SHAPE, np.int8, SCALE))
    return model.finish()


def _two_inputs() -> bytes:
    """Each of two inputs is read by one layer only."""
    model = ModelBuilder()
    left = model.input("left", SHAPE, np.int8, SCALE)
    right = model.input("right", SHAPE, np.int8, SCALE)
    middle = model.activation("middle", SHAPE, np.int8, SCALE)
    result = model.output("result", SHAPE, np.int8, SCALE)
    model.operator("RELU", (left,), (middle,))
    model.operator("ADD", (middle, right), (result,), "AddOptions", version=2)
    return model.finish()
