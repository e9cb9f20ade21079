# SPDX-License-Identifier: Apache-2.0
"""Operators of a TFLite file with their options and tensors, as packing needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from .model import Subgraph, TfliteModel, TfliteTensor, read_tflite
from .whole import damage


@dataclass(frozen=True)
class SourceOperator:
    """One operator of a source file."""

    kind: str
    """Name in the schema, or the custom operator's own."""
    name: str
    """Name of its first output: the layer, as converters call it."""
    inputs: tuple[TfliteTensor | None, ...]
    """None for an optional input left out."""
    outputs: tuple[TfliteTensor, ...]
    options: dict[str, Any] = field(default_factory=dict)
    """Fields of its options table by their names in the schema; empty without a table."""

    options_table: str | None = None
    """Name of that table in the schema."""
    custom_options: bytes = b""
    """What a custom operator has instead of a table."""
    origins: tuple[TfliteTensor | None, ...] = ()
    """Of each input the tensor that it was dequantised from, or None."""

    def option(self, name: str, default: Any = None) -> Any:
        """Return an option, or what the schema takes for it when the table is absent."""
        return self.options.get(name, default)

    def input(self, index: int) -> TfliteTensor:
        """Return an input that the operator cannot be without."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            raise ValueError(f"{self.kind} without input {index}")
        return tensor

    def optional(self, index: int) -> TfliteTensor | None:
        """Return an input, or None when it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None


def constant(tensor: TfliteTensor | None) -> NDArray[Any] | None:
    """Values of a constant tensor; None for one that is computed, or for none."""
    if tensor is None or (tensor.data is None and tensor.elements):
        return None
    return np.frombuffer(tensor.data or b"", tensor.dtype).reshape(tensor.shape)


def read_source(
    model: bytes, source: TfliteModel | None = None, subgraph: int = 0
) -> tuple[SourceOperator, ...]:
    """Read the operators of one subgraph, in the file's order.

    Parameters
    ----------
    model
        Bytes of a .tflite file: a source, or what Vela made of it.
    source
        The same file as read, when the caller has it already.
    subgraph
        Its number; 0 is the entry.

    Raises
    ------
    TfliteError
        The file is damaged.
    """
    graph = (source or read_tflite(model)).subgraphs[subgraph]
    with damage():
        return _described(graph, schema.Model.GetRootAs(model, 0).Subgraphs(subgraph))


def _described(graph: Subgraph, raw: Any) -> tuple[SourceOperator, ...]:
    dequantised = {
        o.outputs[0]: graph.tensors[o.inputs[0]] for o in graph.operators if o.kind == "DEQUANTIZE"
    }
    found = []
    for index, operator in enumerate(graph.operators):
        tree = schema.OperatorT.InitFromObj(raw.Operators(index))
        table = tree.builtinOptions
        found.append(
            SourceOperator(
                kind=operator.kind,
                name=operator.name,
                inputs=tuple(graph.tensors[i] if i >= 0 else None for i in operator.inputs),
                outputs=tuple(graph.tensors[i] for i in operator.outputs),
                options={} if table is None else dict(vars(table)),
                options_table=None if table is None else type(table).__name__.removesuffix("T"),
                custom_options=b"" if tree.customOptions is None else bytes(tree.customOptions),
                origins=tuple(dequantised.get(i) for i in operator.inputs),
            )
        )
    return tuple(found)


def ints(source: SourceOperator, index: int) -> list[int]:
    """Elements of a constant operand.

    Raises
    ------
    ValueError
        It is computed.
    """
    values = constant(source.input(index))
    if values is None:
        raise ValueError(f"{source.kind}: operand {index} is not a constant")
    return [int(v) for v in values.reshape(-1)]
