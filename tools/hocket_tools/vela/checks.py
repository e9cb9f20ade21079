# SPDX-License-Identifier: Apache-2.0
"""What a source model must be before it is worth compiling."""

from __future__ import annotations

from ..tflite import Subgraph, TfliteModel, TfliteOperator, TfliteTensor
from .errors import VelaError

#: Element types that the NPU computes with; int32 holds biases, int64 the biases of int16 layers.
_ACTIVATIONS = ("int8", "uint8", "int16")
_PLAIN = (*_ACTIVATIONS, "int32", "int64", "bool", "resource")
_SHOWN = 4


def listed(items: list[str]) -> str:
    """Some of the items, with the number of those left out."""
    more = len(items) - _SHOWN
    return "; ".join(items[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def check_source(model: TfliteModel) -> None:
    """Refuse what no option of Vela could put on the NPU.

    Raises
    ------
    VelaError
        Float operators (named), another element type, or an input or output without quantisation.
    """
    main = model.main
    if not main.operators or not main.inputs or not main.outputs:
        raise VelaError(
            "the model computes nothing",
            found=f"{len(main.operators)} operators, {len(main.inputs)} inputs, "
            f"{len(main.outputs)} outputs",
            expected="at least one of each",
        )
    floats = _using(main, "float32", "float16", "bfloat16", "float64")
    if floats:
        raise VelaError(
            "the model is not fully quantised",
            found=listed([f"{operator} uses {_tensor(t)}" for operator, t in floats]),
            expected="int8 activations with scale and zero point on every tensor",
            try_="convert with full integer quantisation: a representative dataset, "
            "TFLITE_BUILTINS_INT8, inference_input_type and inference_output_type int8",
        )
    for operator in main.operators:
        for tensor in _tensors(main, operator):
            if tensor.dtype not in _PLAIN:
                raise VelaError(
                    "an element type that the NPU does not have",
                    where=str(operator),
                    found=_tensor(tensor),
                    expected=", ".join(_ACTIVATIONS),
                    try_="quantise the model to int8",
                )
    for index in (*main.inputs, *main.outputs):
        tensor = main.tensors[index]
        if tensor.dtype in _ACTIVATIONS and tensor.quantization is None:
            raise VelaError(
                "an input or output has no quantisation",
                found=_tensor(tensor),
                expected="a scale and a zero point",
                try_="export the model with full integer quantisation",
            )


def _tensors(graph: Subgraph, operator: TfliteOperator) -> list[TfliteTensor]:
    return [graph.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]


def _using(graph: Subgraph, *dtypes: str) -> list[tuple[TfliteOperator, TfliteTensor]]:
    found = []
    for operator in graph.operators:
        hit = next((t for t in _tensors(graph, operator) if t.dtype in dtypes), None)
        if hit is not None:
            found.append((operator, hit))
    return found


def _tensor(tensor: TfliteTensor) -> str:
    return f"{tensor.dtype} tensor '{tensor.name}'"
