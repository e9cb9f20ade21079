# SPDX-License-Identifier: Apache-2.0
"""Resource variables in any order of reads and assignments, against tflite_micro's own run."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from running import application, verified
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema
from variables import variable_model

from hocket_tools.vela import VelaOptions, compile_network
from paths import MODELS

ALEXA = MODELS / "mww_alexa.tflite"


def kinds(plan: str) -> list[str]:
    parts = compile_network(variable_model(plan), VelaOptions("ethos-u55-128")).cpu_operators
    return [part.source.kind for part in parts if part.source.kind != "GATHER"]


@pytest.mark.parametrize(
    "plan",
    [
        "conv, read v, mix, assign v, conv",
        "conv, assign v, conv, read v, mix, conv",
        "read v, mix, conv, assign w, read w, mix, conv, assign v",
        "conv, read v, mix, assign v, conv, read v, mix, conv",
        "conv, read v, mix, assign v, conv, assign v",
        "conv, assign v",
        "read a, mix, conv, read b, mix, assign a, conv, assign b",
        "read v, conv, assign v, gather, conv, mix, conv",
        "read v, conv, gather, assign v, conv, gather, mix",
        "read v, assign v, gather, gather, mix",
        "read a, read b, gather, assign a, assign b, mix, conv",
    ],
)
def test_variables_are_exact_in_this_order(tmp_path: Path, plan: str) -> None:
    verified(application(tmp_path, {"a": (variable_model(plan), "")}), 8)


def test_a_value_that_was_just_assigned_is_not_read_back() -> None:
    assert kinds("conv, assign v, conv, read v, mix, conv") == ["ASSIGN_VARIABLE"]


def test_only_the_last_assignment_remains() -> None:
    found = kinds("conv, read v, mix, assign v, conv, assign v")
    assert found == ["READ_VARIABLE", "ASSIGN_VARIABLE"]


def test_a_value_read_after_vela_has_it_overwritten_is_put_aside() -> None:
    # Once to put it aside, once where Vela has the read.
    found = kinds("read v, assign v, gather, gather, mix")
    assert found == ["READ_VARIABLE", "ASSIGN_VARIABLE", "READ_VARIABLE"]


def with_initial_values() -> bytes:
    """The wake word with other contents in its variables before the first inference."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(ALEXA.read_bytes(), 0))
    random = np.random.default_rng(5)
    for tensor in tree.subgraphs[1].tensors:
        buffer = tree.buffers[tensor.buffer]
        if tensor.type == schema.TensorType.INT8 and buffer.data is not None:
            buffer.data = random.integers(0, 256, len(buffer.data), np.uint8)
    writer = flatbuffers.Builder(1 << 16)
    writer.Finish(tree.Pack(writer), file_identifier=b"TFL3")
    return bytes(writer.Output())


def test_variables_start_from_any_contents_that_the_model_gives_them(tmp_path: Path) -> None:
    packed = application(tmp_path, {"a": (with_initial_values(), "")})
    assert all(len(held.initial) == held.size for held in packed.image.models[0].persistent)
    verified(packed, 6)
