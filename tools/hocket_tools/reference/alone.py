# SPDX-License-Identifier: Apache-2.0
"""Each operator of a model as a model of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from ..tflite.builder import unpack_model, write_model
from ..tflite.model import Subgraph, TfliteOperator, read_tflite

_VERSION = 3


def each_alone(model: bytes) -> Iterator[tuple[TfliteOperator, bytes]]:
    """Each operator of the main graph with a model of it alone, in the file's order.

    Its inputs are the tensors of :func:`given`. Those that touch resources or run other subgraphs
    make no such model.
    """
    tree = unpack_model(model)
    graph = read_tflite(model).main
    for operator in graph.operators:
        if not lasting(graph, operator):
            yield operator, _alone(tree, operator, given(graph, operator))


def lasting(graph: Subgraph, operator: TfliteOperator) -> bool:
    """Whether an operator needs more than its tensors: resources or other subgraphs."""
    touched = [i for i in (*operator.inputs, *operator.outputs) if i >= 0]
    resources = any(graph.tensors[i].dtype == "resource" for i in touched)
    return resources or operator.kind in ("CALL", "CALL_ONCE", "IF", "WHILE")


def given(graph: Subgraph, operator: TfliteOperator) -> list[int]:
    """Inputs that something else computes, each once."""
    present = [(i, graph.tensors[i]) for i in dict.fromkeys(operator.inputs) if i >= 0]
    return [i for i, tensor in present if tensor.data is None and not tensor.is_variable]


def _alone(tree: Any, operator: TfliteOperator, inputs: list[int]) -> bytes:
    source = tree.subgraphs[0]
    own = copy.copy(source.operators[operator.index])
    beside = [] if own.intermediates is None else list(own.intermediates)
    used = sorted({i for i in (*operator.inputs, *operator.outputs, *beside) if i >= 0})
    number = {-1: -1, **{index: place for place, index in enumerate(used)}}
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version = _VERSION
    model.operatorCodes = [tree.operatorCodes[own.opcodeIndex]]
    model.buffers = [schema.BufferT()]
    graph.tensors = []
    for index in used:
        tensor = copy.copy(source.tensors[index])
        model.buffers.append(tree.buffers[tensor.buffer])
        tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
    own.opcodeIndex = 0
    own.inputs = [number[i] for i in operator.inputs]
    own.outputs = [number[i] for i in operator.outputs]
    own.intermediates = [number[i] for i in beside] or None
    graph.operators = [own]
    graph.inputs = [number[i] for i in inputs]
    graph.outputs = list(own.outputs)
    model.subgraphs = [graph]
    return write_model(model)
