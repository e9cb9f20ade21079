# SPDX-License-Identifier: Apache-2.0
"""Results whose shape, type or scale kernels would take for another than the file's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from files import SCALE
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_lab.cpu.cpu_cases import CASES as CPU_CASES
from hocket_lab.exact.cases import ALL
from hocket_tools.tflite.builder import ModelBuilder, Quantisation
from hocket_tools.tflite.model import TfliteError
from hocket_tools.tflite.normal import normal_form

Shape = tuple[int, ...]
WINDOW = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


@pytest.mark.parametrize("cases", [ALL, CPU_CASES], ids=["npu", "cpu"])
def test_no_case_that_the_oracle_computes_is_refused(cases: Any) -> None:
    for case in cases:
        normal_form(case.model())


def layer(
    kind: str,
    shapes: list[Shape],
    result: Shape,
    *,
    constants: tuple[tuple[int, ...], ...] = (),
    options: str | None = None,
    dtypes: tuple[str, str] = ("int8", "int8"),
    scales: tuple[Quantisation, Quantisation] = (SCALE, SCALE),
    **attributes: Any,
) -> bytes:
    model = ModelBuilder()
    inputs = [model.input(f"in{i}", s, dtypes[0], scales[0]) for i, s in enumerate(shapes)]
    inputs += [
        model.constant(f"c{i}", np.array(values, np.int32)) for i, values in enumerate(constants)
    ]
    out = model.output("out", result, dtypes[1], scales[1])
    model.operator(kind, inputs, (out,), options, **attributes)
    return model.finish()


def conv(result: Shape, *, zero: int = 0, padding: str = "SAME", biases: int = 4) -> bytes:
    model = ModelBuilder()
    given = model.input("given", (1, 6, 5, 3), np.int8, SCALE)
    weights = model.constant("w", np.ones((4, 3, 3, 3), np.int8), Quantisation.tensor(0.01, zero))
    bias = model.constant("b", np.zeros(biases, np.int32), Quantisation.tensor(0.0005))
    out = model.output("out", result, np.int8, SCALE)
    how = {"padding": getattr(schema.Padding, padding), **WINDOW}
    model.operator("CONV_2D", (given, weights, bias), (out,), "Conv2DOptions", **how)
    return model.finish()


def accepted(data: bytes) -> bool:
    """Whether a layer is taken; a refusal is about its shape or types, and names it."""
    try:
        normal_form(data)
    except TfliteError as error:
        found = error
    else:
        return True
    assert "shape" in found.message or "types or scales" in found.message
    assert found.where is not None
    return False


@pytest.mark.parametrize(("padding", "result"), [("SAME", (1, 6, 5, 4)), ("VALID", (1, 4, 3, 4))])
def test_a_convolution_has_one_result(padding: str, result: Shape) -> None:
    assert accepted(conv(result, padding=padding))
    for axis in range(4):
        for other in (-1, 1):
            wrong = tuple(n + other * (i == axis) for i, n in enumerate(result))
            assert 0 in wrong or not accepted(conv(wrong, padding=padding))
    assert not accepted(conv((1, *result), padding=padding))


def test_weights_of_a_convolution_have_no_zero_point_and_biases_their_number() -> None:
    assert not accepted(conv((1, 6, 5, 4), zero=3))
    assert not accepted(conv((1, 6, 5, 4), biases=5))


@pytest.mark.parametrize(
    ("kind", "shapes", "right", "wrong", "more"),
    [
        ("RELU", [(1, 4, 3)], (4, 3), (1, 4, 4), {}),
        ("ADD", [(4, 3), (1, 3)], (4, 3), (1, 3), {"options": "AddOptions"}),
        ("CONCATENATION", [(2, 3), (2, 5)], (2, 8), (2, 7),
         {"options": "ConcatenationOptions", "axis": -1}),
        ("RESHAPE", [(2, 6)], (3, 4), (3, 5), {"options": "ReshapeOptions"}),
        ("MEAN", [(1, 4, 5, 3)], (1, 3), (1, 5),
         {"options": "ReducerOptions", "constants": ((1, 2),)}),
        ("TRANSPOSE", [(2, 3, 4)], (4, 2, 3), (4, 3, 2),
         {"options": "TransposeOptions", "constants": ((2, 0, 1),)}),
        ("TILE", [(2, 3)], (2, 9), (6, 3), {"options": "TileOptions", "constants": ((1, 3),)}),
        ("SLICE", [(5, 6)], (2, 4), (3, 4),
         {"options": "SliceOptions", "constants": ((1, 2), (2, -1))}),
        ("MAX_POOL_2D", [(1, 6, 6, 2)], (1, 3, 3, 2), (1, 4, 3, 2),
         {"options": "Pool2DOptions", "padding": schema.Padding.VALID, "strideH": 2, "strideW": 2,
          "filterHeight": 2, "filterWidth": 2}),
    ],
)  # fmt: skip
def test_a_result_has_the_shape_that_its_operands_give(
    kind: str, shapes: list[Shape], right: Shape, wrong: Shape, more: dict[str, Any]
) -> None:
    assert accepted(layer(kind, shapes, right, **more))
    assert not accepted(layer(kind, shapes, wrong, **more))


@pytest.mark.parametrize(
    ("kind", "shapes", "result", "more"),
    [
        ("CONCATENATION", [(2, 3), (3, 3)], (5, 3), {"axis": 1, "options": "ConcatenationOptions"}),
        ("CONCATENATION", [(2, 3)], (2, 3), {"axis": 7, "options": "ConcatenationOptions"}),
        ("MEAN", [(1, 4)], (1, 1), {"constants": ((5,),), "options": "ReducerOptions"}),
        ("MAX_POOL_2D", [(1, 6, 6, 2)], (1, 3, 3, 2),
         {"options": "Pool2DOptions", "filterHeight": 2, "filterWidth": 2}),
        ("ADD", [(4, 3), (2, 3)], (4, 3), {"options": "AddOptions"}),
    ],
)  # fmt: skip
def test_operands_that_do_not_go_together_are_no_crash(
    kind: str, shapes: list[Shape], result: Shape, more: dict[str, Any]
) -> None:
    assert not accepted(layer(kind, shapes, result, **more))


@pytest.mark.parametrize(
    ("kind", "dtypes"),
    [("RELU", ("int8", "int16")), ("GREATER", ("int8", "int8")), ("ADD", ("uint8", "int8"))],
)
def test_types_that_kernels_take_for_one_are_one(kind: str, dtypes: tuple[str, str]) -> None:
    shapes: list[Shape] = [(1, 8)] if kind == "RELU" else [(1, 8), (1, 8)]
    assert not accepted(layer(kind, shapes, (1, 8), dtypes=dtypes))


def test_tanh_has_the_scale_that_its_kernel_gives_it() -> None:
    fixed = Quantisation.tensor(1 / 128)
    assert accepted(layer("TANH", [(1, 8)], (1, 8), scales=(SCALE, fixed)))
    assert not accepted(layer("TANH", [(1, 8)], (1, 8), scales=(SCALE, SCALE)))


def test_what_is_computed_has_one_scale() -> None:
    several = Quantisation.channels([0.1, 0.2, 0.3], 1)
    assert not accepted(layer("RELU", [(1, 3)], (1, 3), scales=(SCALE, several)))
