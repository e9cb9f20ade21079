# SPDX-License-Identifier: Apache-2.0
"""Files of several networks, under signatures or as bare subgraphs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from .example import Example, changed, network, refused


def examples() -> Iterator[Example]:
    """Each network of a file by its own signature; none without."""
    several = _several(("small", "large"))
    yield Example("signatures-none-named.tflite", several, refused("several networks"))
    for signature in ("small", "large"):
        yield Example(f"signatures-{signature}.tflite", several, signature=signature)
    yield Example(
        "signatures-misspelt.tflite", several, refused("no such signature"), signature="smal"
    )
    yield Example("signatures-one.tflite", _several(("serve",)))
    yield Example("signatures-one-named.tflite", _several(("serve",)), signature="serve")
    yield Example(
        "subgraphs-bare.tflite",
        _several(("small", "large"), bare=True),
        refused("several networks"),
    )
    bare = _several(("small", "large"), bare=True)
    yield Example("subgraphs-bare-second.tflite", bare, signature="large")


def _several(names: tuple[str, ...], bare: bool = False) -> bytes:
    """The same network with other weights, once a name."""

    def change(tree: Any) -> None:
        first = tree.subgraphs[0]
        tree.subgraphs = []
        tree.signatureDefs = []
        for number, name in enumerate(names):
            graph = copy.deepcopy(first)
            graph.name = name
            if number:
                _reweighted(tree, graph)
            tree.subgraphs.append(graph)
            if not bare:
                tree.signatureDefs.append(_signature(graph, name, number))

    return changed(network(), change)


def _reweighted(tree: Any, graph: Any) -> None:
    for operator in graph.operators:
        tensor = graph.tensors[operator.inputs[1]]
        buffer = schema.BufferT()
        buffer.data = tree.buffers[tensor.buffer].data[::-1].copy()
        tree.buffers.append(buffer)
        tensor.buffer = len(tree.buffers) - 1


def _signature(graph: Any, name: str, number: int) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = name, number
    for field, indices in (("inputs", graph.inputs), ("outputs", graph.outputs)):
        maps = []
        for index in indices:
            pair = schema.TensorMapT()
            pair.name, pair.tensorIndex = f"{field}{index}", int(index)
            maps.append(pair)
        setattr(signature, field, maps)
    return signature
