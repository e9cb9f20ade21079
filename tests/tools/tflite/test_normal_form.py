# SPDX-License-Identifier: Apache-2.0
"""One meaning for all readers of a file: what goes, what stays, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from files import SCALE, SHAPE, changed, relus
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_lab.exact.cases import ALL
from hocket_tools.tflite.builder import ModelBuilder
from hocket_tools.tflite.model import TfliteError, read_tflite
from hocket_tools.tflite.normal import load_model, normal_form
from paths import MODELS


def note(tree: Any, name: str, value: bytes = b"\1") -> None:
    buffer, found = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(value, np.uint8)
    tree.buffers.append(buffer)
    found.name, found.buffer = name, len(tree.buffers) - 1
    tree.metadata = [*(tree.metadata or ()), found]


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.tflite")), ids=lambda p: p.stem)
def test_a_model_that_says_everything_once_stays_the_same_bytes(path):
    assert load_model(path) == path.read_bytes()


def test_no_one_operator_case_is_changed():
    for case in ALL:
        data = case.model()
        assert normal_form(data) is data


@pytest.mark.parametrize(
    "signature", [(1, 3, 4, 3), (2, 4, 4, 3), (-1, 4, 4, 4), (1, 48), (-1,), (1, 1, 4, 4, 3)]
)
def test_the_shape_counts_where_its_signature_says_otherwise(signature):
    def change(tree: Any) -> None:
        tree.subgraphs[0].tensors[1].shapeSignature = list(signature)

    tensor = read_tflite(normal_form(changed(relus(), change))).main.tensors[1]
    assert (tensor.shape, tensor.signature) == (SHAPE, None)


@pytest.mark.parametrize("signature", [(-1, 4, 4, 3), (1, -1, -1, 3), (1, 4, 4, 3)])
def test_a_signature_that_only_opens_extents_stays(signature):
    def change(tree: Any) -> None:
        tree.subgraphs[0].tensors[1].shapeSignature = list(signature)

    data = changed(relus(), change)
    assert normal_form(data) is data


@pytest.mark.parametrize("name", ["OfflineMemoryAllocation", "vendor.plan", ""])
def test_metadata_that_a_reader_might_act_on_goes_and_notes_stay(name):
    def change(tree: Any) -> None:
        note(tree, "min_runtime_version", b"1.0")
        note(tree, name)

    found = read_tflite(normal_form(changed(relus(), change)))
    assert found.metadata == {"min_runtime_version": b"1.0"}


def test_compressed_constants_are_refused_by_name():
    data = changed(relus(), lambda tree: note(tree, "COMPRESSION_METADATA"))
    with pytest.raises(TfliteError, match="no microcontroller runs") as error:
        normal_form(data)
    assert "COMPRESSION_METADATA" in str(error.value.found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: setattr(t.subgraphs[0].tensors[1], "sparsity", schema.SparsityParametersT()),
         "sparse"),
        (lambda t: setattr(t.subgraphs[0].tensors[1], "externalBuffer", 1), "another file"),
        (lambda t: (setattr(t.buffers[0], "offset", 99), setattr(t.buffers[0], "size", 4)),
         "behind the model"),
        (lambda t: setattr(t.subgraphs[0].operators[0], "largeCustomOptionsSize", 4),
         "behind the model"),
    ],
)  # fmt: skip
def test_contents_in_another_form_are_refused_by_name(change, said):
    with pytest.raises(TfliteError, match="no microcontroller runs") as error:
        normal_form(changed(relus(), change))
    assert said in str(error.value.found)


def reshaped(computed: bool) -> bytes:
    """RESHAPE by a shape that is given, or that is the sum of two inputs."""
    model = ModelBuilder()
    given = model.input("given", (1, 4, 6), np.int8, SCALE)
    shape = model.input("shape", (2,), np.int32, None)
    if computed:
        total = model.activation("total", (2,), np.int32, None)
        model.operator("ADD", (shape, shape), (total,), "AddOptions")
        shape = total
    result = model.output("result", (3, 8), np.int8, SCALE)
    model.operator("RESHAPE", (given, shape), (result,), "ReshapeOptions")
    return model.finish()


@pytest.mark.parametrize("computed", [False, True])
def test_an_operand_that_repeats_the_result_becomes_a_constant(computed):
    main = read_tflite(normal_form(reshaped(computed))).main
    (reshape,) = main.operators
    shape = main.tensors[reshape.inputs[1]]
    assert np.frombuffer(shape.data or b"", np.int32).tolist() == [3, 8]
    assert [main.tensors[i].name for i in main.inputs] == ["given", "shape"]


def test_a_shape_of_shapes_is_left_to_vela():
    model = ModelBuilder()
    given = model.input("given", (1, 4, 6), np.int8, SCALE)
    shape = model.activation("shape", (3,), np.int32, None)
    result = model.output("result", (1, 4, 6), np.int8, SCALE)
    model.operator("SHAPE", (given,), (shape,), "ShapeOptions")
    model.operator("RESHAPE", (given, shape), (result,), "ReshapeOptions")
    data = model.finish()
    assert normal_form(data) is data


@pytest.mark.parametrize(
    ("kind", "shape", "operand", "options"),
    [
        ("PAD", (1, 6, 6, 3), (4, 2), "PadOptions"),
        ("MEAN", (1, 4, 3), (1,), "ReducerOptions"),
        ("TRANSPOSE", SHAPE, (4,), "TransposeOptions"),
        ("TILE", (1, 8, 4, 3), (4,), "TileOptions"),
    ],
)
def test_an_operand_that_no_unit_takes_from_outside_is_refused_by_name(
    kind, shape, operand, options
):
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.int8, SCALE)
    outside = model.input("outside", operand, np.int32, None)
    result = model.output("result", shape, np.int8, SCALE)
    model.operator(kind, (given, outside), (result,), options)
    with pytest.raises(TfliteError, match="but as a constant") as error:
        normal_form(model.finish())
    assert str(error.value.where) == f"{kind} 'result'"
    assert "'outside'" in str(error.value.found)


def without_operand(tree: Any) -> None:
    tree.subgraphs[0].operators[1].inputs = []


def without_result(tree: Any) -> None:
    tree.subgraphs[0].operators[1].outputs = []


def backwards(tree: Any) -> None:
    tree.subgraphs[0].operators.reverse()


def twice(tree: Any) -> None:
    tree.subgraphs[0].operators[1].outputs = [1]


def over_input(tree: Any) -> None:
    tree.subgraphs[0].operators[1].outputs = [0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_operand, "lacks operands"),
        (without_result, "has no result"),
        (backwards, "reads what none before it computes"),
        (twice, "from elsewhere"),
        (over_input, "from elsewhere"),
    ],
)
def test_a_graph_whose_operators_cannot_be_looked_at_is_damaged(change, said):
    with pytest.raises(TfliteError, match=said):
        normal_form(changed(relus(), change))


@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [(0.0, 0), (-1.0, 0), (float("nan"), 0), (float("inf"), 0), (1.0, 300), (1.0, -129)],
)
def test_quantisation_without_a_meaning_is_refused_with_its_tensor(scale, zero_point):
    def change(tree: Any) -> None:
        tree.subgraphs[0].tensors[1].quantization.scale = [scale]
        tree.subgraphs[0].tensors[1].quantization.zeroPoint = [zero_point]

    with pytest.raises(TfliteError, match="quantisation has no meaning") as error:
        normal_form(changed(relus(), change))
    assert "'t0'" in str(error.value.where)
