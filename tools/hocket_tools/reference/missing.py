# SPDX-License-Identifier: Apache-2.0
"""Finds the layers for which tflite_micro, having refused a model, has no kernel.

Its interpreter gives no reason but on standard error, so each operator is tried alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from ..tflite.builder import unpack_model, write_model
from ..tflite.model import Subgraph, TfliteOperator, read_tflite
from .oracle import Oracle, OracleError

_VERSION = 3
#: They run other subgraphs, which an operator alone does not have.
_CALLERS = ("CALL_ONCE", "IF", "WHILE")


def refused(model: bytes) -> tuple[TfliteOperator, ...]:
    """Operators that the interpreter does not even prepare, in the file's order."""
    return tuple(operator for operator, alone in _each(model) if _prepared(alone) is None)


def failing(model: bytes, stopped: Oracle) -> TfliteOperator | None:
    """The operator that ended an inference; None when each alone runs.

    Parameters
    ----------
    model
        Bytes of a .tflite file.
    stopped
        Its interpreter after the failure, which still has the tensors computed before.
    """
    graph = stopped.source.main
    for operator, alone in _each(model):
        oracle = _prepared(alone)
        if oracle is None:
            return operator
        try:
            oracle.run([_value(stopped, index) for index in _given(graph, operator)])
        except OracleError:
            return operator
    return None


def _prepared(alone: bytes) -> Oracle | None:
    try:
        return Oracle(alone)
    except OracleError:
        return None


def _given(graph: Subgraph, operator: TfliteOperator) -> list[int]:
    """Inputs that something else computes, each once."""
    present = [(i, graph.tensors[i]) for i in dict.fromkeys(operator.inputs) if i >= 0]
    return [i for i, tensor in present if tensor.data is None and not tensor.is_variable]


def _value(oracle: Oracle, index: int) -> NDArray[Any]:
    tensor = oracle.source.main.tensors[index]
    value = oracle.tensor(index)
    return np.ascontiguousarray(value.astype(tensor.dtype).reshape(tensor.shape))


def _each(model: bytes) -> Iterator[tuple[TfliteOperator, bytes]]:
    """Each operator of the main graph with a model of it alone."""
    tree = unpack_model(model)
    graph = read_tflite(model).main
    for operator in graph.operators:
        touched = [i for i in (*operator.inputs, *operator.outputs) if i >= 0]
        resources = any(graph.tensors[i].dtype == "resource" for i in touched)
        if not resources and operator.kind not in _CALLERS:
            yield operator, _alone(tree, operator, _given(graph, operator))


def _alone(tree: Any, operator: TfliteOperator, given: list[int]) -> bytes:
    """A model of one operator, whose inputs are those tensors that it is given."""
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
    graph.inputs = [number[i] for i in given]
    graph.outputs = list(own.outputs)
    model.subgraphs = [graph]
    return write_model(model)
