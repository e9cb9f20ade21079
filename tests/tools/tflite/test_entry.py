# SPDX-License-Identifier: Apache-2.0
"""Which network of a file a task runs."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from files import changed, relus
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from hocket_tools.tflite.model import TfliteError, read_tflite
from hocket_tools.tflite.normal import normal_form
from paths import MODELS


def several(*names: str, signed: bool = True, key: str = "") -> bytes:
    """One RELU, two, three and so on, each a subgraph."""
    trees = [changed(relus(n + 1), lambda tree: None) for n in range(len(names))]

    def change(tree: Any) -> None:
        from hocket_tools.tflite.builder import unpack_model

        tree.signatureDefs = []
        tree.subgraphs = []
        for number, (name, data) in enumerate(zip(names, trees, strict=True)):
            graph = unpack_model(data).subgraphs[0]
            for operator in graph.operators:
                operator.opcodeIndex = 0
            graph.name = name
            tree.subgraphs.append(graph)
            if signed:
                signature = schema.SignatureDefT()
                signature.signatureKey, signature.subgraphIndex = key + name, number
                tree.signatureDefs.append(signature)

    return changed(trees[0], change)


def operators(data: bytes) -> int:
    model = read_tflite(data)
    assert len(model.subgraphs) == 1
    return len(model.main.operators)


@pytest.mark.parametrize(("name", "count"), [("a", 1), ("b", 2), ("c", 3)])
def test_a_signature_picks_its_own_network(name, count):
    data = several("a", "b", "c", key="run_")
    assert operators(normal_form(data, f"run_{name}")) == count


@pytest.mark.parametrize(("name", "count"), [("a", 1), ("b", 2)])
def test_subgraphs_without_signatures_are_picked_by_their_names(name, count):
    assert operators(normal_form(several("a", "b", signed=False), name)) == count


@pytest.mark.parametrize("signed", [True, False])
def test_several_networks_and_none_named_is_an_error_that_lists_them(signed):
    with pytest.raises(TfliteError, match="no signature says which") as error:
        normal_form(several("left", "right", signed=signed))
    assert '"left", "right"' in str(error.value)
    assert 'signature = "left"' in str(error.value.try_)


def test_a_misspelt_signature_is_an_error_with_the_right_one():
    with pytest.raises(TfliteError, match="no such signature") as error:
        normal_form(several("encode", "decode"), "encoder")
    assert error.value.try_ == 'signature = "encode"'


def test_one_network_needs_no_signature_and_may_have_its_own_named():
    data = several("serve")
    assert normal_form(data) is data
    assert normal_form(data, "serve") is data


def test_two_names_of_one_network_are_no_choice():
    def change(tree: Any) -> None:
        again = copy.copy(tree.signatureDefs[0])
        again.signatureKey = "other"
        tree.signatureDefs.append(again)

    data = changed(several("serve"), change)
    assert normal_form(data) is data


def test_graphs_that_a_network_calls_come_with_it_and_are_no_choice():
    path = MODELS / "mww_alexa.tflite"
    data = path.read_bytes()
    assert len(read_tflite(data).subgraphs) == 2
    assert normal_form(data) is data

    def behind(tree: Any) -> None:
        """Another network first, so that all numbers move by one."""
        from hocket_tools.tflite.builder import unpack_model

        first = unpack_model(relus()).subgraphs[0]
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RELU
        tree.operatorCodes.append(code)
        for operator in first.operators:
            operator.opcodeIndex = len(tree.operatorCodes) - 1
        for graph in tree.subgraphs:
            for operator in graph.operators:
                if isinstance(operator.builtinOptions, schema.CallOnceOptionsT):
                    operator.builtinOptions.initSubgraphIndex += 1
        first.name = "first"
        tree.subgraphs[0].name = "alexa"
        tree.subgraphs.insert(0, first)
        tree.signatureDefs = None

    model = read_tflite(normal_form(changed(data, behind), "alexa"))
    before = read_tflite(data)
    assert [len(g.operators) for g in model.subgraphs] == [
        len(g.operators) for g in before.subgraphs
    ]
    assert [t.data for t in model.main.tensors] == [t.data for t in before.main.tensors]


def test_constants_of_other_networks_do_not_come_along():
    def change(tree: Any) -> None:
        buffer, tensor = schema.BufferT(), copy.copy(tree.subgraphs[1].tensors[0])
        buffer.data = np.arange(48, dtype=np.uint8)
        tree.buffers.append(buffer)
        tensor.name, tensor.buffer = "table", len(tree.buffers) - 1
        tree.subgraphs[1].tensors.append(tensor)

    data = changed(several("a", "b"), change)
    table = np.arange(48, dtype=np.uint8).tobytes()
    assert table in normal_form(data, "b")
    assert table not in normal_form(data, "a")


def test_a_call_of_a_graph_that_is_not_there_is_damage():
    def change(tree: Any) -> None:
        for operator in tree.subgraphs[0].operators:
            if isinstance(operator.builtinOptions, schema.CallOnceOptionsT):
                operator.builtinOptions.initSubgraphIndex = 7

    data = changed((MODELS / "mww_alexa.tflite").read_bytes(), change)
    with pytest.raises(TfliteError, match="out of range"):
        normal_form(data)
