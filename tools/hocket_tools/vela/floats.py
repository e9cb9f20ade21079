# SPDX-License-Identifier: Apache-2.0
"""Why a model with floats is refused: what kind of model it is, or what its operators say."""

from __future__ import annotations

from collections.abc import Sequence

from ..cpu import read_source, reason
from ..tflite.model import Subgraph, TfliteModel, TfliteOperator, TfliteTensor
from .options import VelaError

FLOATS = ("float32", "float16", "bfloat16", "float64")
_QUANTISED = ("int8", "uint8", "int16")
_CONVERT = (
    "convert with full integer quantisation: a representative dataset, TFLITE_BUILTINS_INT8, "
    "inference_input_type and inference_output_type int8"
)
_SHOWN = 4


def refused_floats(
    model: TfliteModel, data: bytes, floats: Sequence[tuple[TfliteOperator, TfliteTensor]]
) -> VelaError:
    """The error about a model whose floats nothing runs.

    Parameters
    ----------
    model, data
        The source, as read and as bytes.
    floats
        Operators that use floats and cannot run, each with one such tensor.
    """
    kind = _kind(model.main)
    if kind is not None:
        return VelaError(f"the model is not quantised: {kind}", try_=_CONVERT)
    described = read_source(data, model)

    def use_of(operator: TfliteOperator, tensor: TfliteTensor) -> str:
        why = reason(described[operator.index])
        return f"{operator}: {why}" if why else f"{operator} uses {named(tensor)}"

    return VelaError(
        "the model is not fully quantised",
        found=listed([use_of(operator, tensor) for operator, tensor in floats]),
        expected="int8 activations with scale and zero point on every tensor; floats only where "
        "the CPU has operators for them, such as QUANTIZE and DEQUANTIZE",
        try_="replace the layers by some that the converter quantises, or by their arithmetic",
    )


def computes_integers(graph: Subgraph) -> bool:
    """Whether a tensor that is no constant has a quantised type."""
    touched = {i for o in graph.operators for i in (*o.inputs, *o.outputs) if i >= 0}
    tensors = [graph.tensors[i] for i in touched]
    return any(t.dtype in _QUANTISED and t.data is None for t in tensors)


def _kind(graph: Subgraph) -> str | None:
    """What a model is that computes with floats throughout; None where integers compute, too."""
    if computes_integers(graph):
        return None
    constants = {
        t.dtype
        for operator in graph.operators
        for t in tensors_of_operator(graph, operator)
        if t.data is not None
    }
    if constants & {"int8", "uint8", "int4"}:
        return "a dynamic-range model, with integer weights and float activations"
    return "a float16 model" if "float16" in constants else "a float32 model"


def listed(items: list[str]) -> str:
    """Some of the items, with the number of those left out."""
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def tensors_of_operator(graph: Subgraph, operator: TfliteOperator) -> list[TfliteTensor]:
    """Tensors that an operator reads and writes."""
    return [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]


def using(graph: Subgraph, *dtypes: str) -> list[tuple[TfliteOperator, TfliteTensor]]:
    """Operators that touch tensors of some types, each with the first of them."""
    found = []
    for operator in graph.operators:
        touched = tensors_of_operator(graph, operator)
        hit = next((t for t in touched if t.dtype in dtypes), None)
        if hit is not None:
            found.append((operator, hit))
    return found


def named(tensor: TfliteTensor) -> str:
    """A tensor in words."""
    return f"{tensor.dtype} tensor '{tensor.name}'"
