# SPDX-License-Identifier: Apache-2.0
"""Operators of an application's own, from one file for host and device."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from edges import edge_model
from running import application
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_host.errors import HocketError
from hocket_tools.cpu import registry
from hocket_tools.reference.oracle import Oracle
from hocket_tools.run.run import execute

HALVING = Path(__file__).parent / "halving.py"


def with_halving() -> bytes:
    """A convolution, then the custom operator."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(edge_model("int8", "int8"), 0))
    graph = tree.subgraphs[0]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "Halving"
    tree.operatorCodes.append(code)
    tensor = schema.TensorT()
    last = graph.tensors[graph.outputs[0]]
    tensor.name, tensor.shape, tensor.type = "halved", last.shape, last.type
    tensor.quantization = last.quantization
    graph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(tree.operatorCodes) - 1
    operator.inputs, operator.outputs = [graph.outputs[0]], [len(graph.tensors) - 1]
    graph.operators.append(operator)
    graph.outputs = [len(graph.tensors) - 1]
    writer = flatbuffers.Builder(1 << 12)
    writer.Finish(tree.Pack(writer), file_identifier=b"TFL3")
    return bytes(writer.Output())


@pytest.fixture
def kinds():
    yield
    while "Halving" in registry.kinds():
        registry.unregister("Halving")


@pytest.mark.usefixtures("kinds")
def test_an_operator_from_a_file_runs_in_a_network(tmp_path: Path) -> None:
    head = f'operators = ["{HALVING}"]\n'
    packed = application(tmp_path, {"a": (with_halving(), "")}, head)
    oracle, seen = Oracle(edge_model("int8", "int8")), []

    def compare(task, inputs, outputs) -> None:
        whole = oracle.run(inputs)[0].astype(np.int32)
        seen.append(np.array_equal(outputs[0].reshape(whole.shape), np.fix(whole / 2)))

    execute(packed, 12_000_000_000, on_job=compare)
    assert seen == [True] * 3


def test_without_the_file_the_operator_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(HocketError, match="Halving x1 \\('halved'\\)"):
        application(tmp_path, {"a": (with_halving(), "")})


def test_a_file_that_fails_is_told_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("import hocket.ops\n1 / 0\n")
    with pytest.raises(HocketError, match="ZeroDivisionError"):
        application(tmp_path, {"a": (with_halving(), "")}, 'operators = ["bad.py"]\n')


def test_a_file_that_registers_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("import hocket.ops\n")
    with pytest.raises(HocketError, match="registers none"):
        application(tmp_path, {"a": (with_halving(), "")}, 'operators = ["empty.py"]\n')
