# SPDX-License-Identifier: Apache-2.0
"""One meaning for all: the form of a model that Vela, the oracles and the CPU's operators get.

A file may say a thing twice, and its readers differ in which they believe. tflite_micro decides:

- A tensor has the extents of its ``shape``. A ``shape_signature`` that says otherwise goes.
- Metadata never changes a result in tflite_micro, so what Vela or the oracle might plan memory by
  (``OfflineMemoryAllocation``) goes, and all that is not known to be a mere note.
- Where an operand repeats the shape of a result (TRANSPOSE_CONV's, RESHAPE's), the result's own
  shape counts; an operand that is given or computed becomes a constant of it.
- Open results of TFLite_Detection_PostProcess have the sizes that its ``max_detections`` gives.
- Of several subgraphs only those remain that the task's signature runs.

A model that has none of this stays the very same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from .builder import unpack_model, write_model
from .content import Subgraph, TfliteError, TfliteModel, TfliteOperator
from .entry import entry_of, extract, reached
from .flex import numbers
from .graph import check_graph
from .model import read_bytes, read_tflite
from .operators import read_source
from .shapes import check_shapes
from .typed import check_types
from .whole import damage

#: Metadata that says nothing about computation or memory.
_NOTES = ("min_runtime_version", "CONVERSION_METADATA", "TFLITE_METADATA")
#: Operators with an operand that repeats the result's shape: its place, and which extents it has.
_REPEATED: dict[str, tuple[int, slice]] = {
    "TRANSPOSE_CONV": (0, slice(None)),
    "RESHAPE": (1, slice(None)),
    "BROADCAST_TO": (1, slice(None)),
    "RESIZE_BILINEAR": (1, slice(1, 3)),
    "RESIZE_NEAREST_NEIGHBOR": (1, slice(1, 3)),
}
#: Operators with operands that decide shapes, or which elements go where: constants, for any unit.
_CONSTANT: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD", "TRANSPOSE", "TILE", "EXPAND_DIMS"), (1,)),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"), (1,)),
    **dict.fromkeys(("REDUCE_ALL", "REDUCE_ANY", "ARG_MAX", "ARG_MIN"), (1,)),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "SLICE", "SPLIT_V"), (1, 2)),
    "STRIDED_SLICE": (1, 2, 3),
    "SPLIT": (0,),
}
_DETECTION = "TFLite_Detection_PostProcess"
_MOST_DETECTIONS = 1 << 16
#: Operators that do something beside their results.
_LASTING = ("ASSIGN_VARIABLE", "CALL", "CALL_ONCE", "CUSTOM", "IF", "WHILE")

_Change = Callable[[Any], None]


def load_model(path: str | os.PathLike[str], signature: str | None = None) -> bytes:
    """A model file in its normal form.

    Raises
    ------
    TfliteError
        As `normal_form`, with the path; or the file cannot be read.
    """
    try:
        return normal_form(read_bytes(Path(path)), signature)
    except TfliteError as error:
        where = str(path)
        if error.where is None or not str(error.where).startswith(where):
            error.where = where if error.where is None else f"{where}: {error.where}"
        raise


def normal_form(data: bytes, signature: str | None = None) -> bytes:
    """A model in its normal form.

    Parameters
    ----------
    data
        Bytes of a .tflite file.
    signature
        Which of its networks.

    Returns
    -------
    bytes
        A model whose main subgraph is the network; the very same where nothing had to change.

    Raises
    ------
    TfliteError
        It is no TFLite model, is damaged, or has no such network.
    """
    model = read_tflite(data)
    graphs = reached(model, data, entry_of(model, data, signature))
    changes: list[_Change] = []
    for at in graphs:
        check_graph(model.subgraphs[at], at)
        changes += [*_of_signatures(model, at), *_of_detections(model, data, at)]
        changes += _of_repeated(model, at)
    # Subgraphs keep their numbers until all else is changed.
    changes += [*_of_metadata(model), *_of_subgraphs(model, graphs)]
    if changes:
        tree = unpack_model(data)
        with damage():
            for change in changes:
                change(tree)
            data = write_model(tree)
        model = read_tflite(data)
    for at in range(len(model.subgraphs)):
        _check_constant(model.subgraphs[at])
        operators = read_source(data, model, at)
        check_types(operators)
        check_shapes(operators)
    return data


def _of_subgraphs(model: TfliteModel, graphs: tuple[int, ...]) -> Iterator[_Change]:
    if graphs != tuple(range(len(model.subgraphs))):
        yield lambda tree: extract(tree, graphs)


def _of_metadata(model: TfliteModel) -> Iterator[_Change]:
    if any(name not in _NOTES for name in model.metadata):

        def drop(tree: Any) -> None:
            tree.metadata = [m for m in tree.metadata if _text(m.name) in _NOTES]
            tree.metadataBuffer = None

        yield drop


def _of_signatures(model: TfliteModel, at: int) -> Iterator[_Change]:
    wrong = [
        t.index
        for t in model.subgraphs[at].tensors
        if t.signature is not None and not _agree(t.signature, t.shape)
    ]

    def drop(tree: Any) -> None:
        for index in wrong:
            tree.subgraphs[at].tensors[index].shapeSignature = None

    if wrong:
        yield drop


def _agree(signature: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return len(signature) == len(shape) and all(
        s in (-1, n) for s, n in zip(signature, shape, strict=True)
    )


def _of_detections(model: TfliteModel, data: bytes, at: int) -> Iterator[_Change]:
    graph = model.subgraphs[at]
    if not any(o.kind == _DETECTION for o in graph.operators):
        return
    shapes: dict[int, list[int]] = {}
    for operator, described in zip(graph.operators, read_source(data, model, at), strict=True):
        if operator.kind == _DETECTION and len(operator.outputs) == 4:
            options = numbers(described.custom_options) or {}
            most = int(options.get("max_detections", 0))
            if 0 < most <= _MOST_DETECTIONS:
                wanted = ([1, most, 4], [1, most], [1, most], [1])
                for index, shape in zip(operator.outputs, wanted, strict=True):
                    if len(graph.tensors[index].shape) < len(shape):
                        shapes[index] = shape

    def close(tree: Any) -> None:
        for index, shape in shapes.items():
            tree.subgraphs[at].tensors[index].shape = shape
            tree.subgraphs[at].tensors[index].shapeSignature = None

    if shapes:
        yield close


def _of_repeated(model: TfliteModel, at: int) -> list[_Change]:
    graph = model.subgraphs[at]
    found: list[_Change] = []
    freed: list[int] = []
    for operator in graph.operators:
        place, part = _REPEATED.get(operator.kind, (-1, slice(None)))
        if place >= 0 and operator.outputs and _computed(graph, operator, place):
            extents = graph.tensors[operator.outputs[0]].shape[part]
            found.append(_constant_operand(at, operator.index, place, extents))
            freed.append(operator.inputs[place])
    if freed:
        found.append(lambda tree: _prune(tree, tree.subgraphs[at], freed))
    return found


def _check_constant(graph: Subgraph) -> None:
    """Refuse operands that come from outside where no unit takes them.

    Raises
    ------
    TfliteError
        With the operator.
    """
    for operator in graph.operators:
        for place in _CONSTANT.get(operator.kind, ()):
            index = operator.inputs[place] if place < len(operator.inputs) else -1
            if index >= 0 and graph.tensors[index].elements and _given(graph, index):
                raise TfliteError(
                    "an operand that neither unit takes but as a constant",
                    where=str(operator),
                    found=f"tensor '{graph.tensors[index].name}', which depends on an input",
                    expected="a constant",
                    try_="give the layer its axes, borders or sizes when the model is made",
                )


def _computed(graph: Subgraph, operator: TfliteOperator, place: int) -> bool:
    """Whether an operand's values come from outside, or Vela would not settle them itself."""
    index = operator.inputs[place] if place < len(operator.inputs) else -1
    if index < 0 or graph.tensors[index].data is not None or not graph.tensors[index].elements:
        return False
    return operator.kind == "TRANSPOSE_CONV" or _given(graph, index)


def _given(graph: Subgraph, tensor: int) -> bool:
    """Whether a value depends on more than constants and shapes."""
    makers = {i: o for o in graph.operators for i in o.outputs}
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        index = waiting.pop()
        if index < 0 or index in seen or graph.tensors[index].data is not None:
            continue
        seen.add(index)
        maker = makers.get(index)
        if maker is None:
            return True
        if maker.kind != "SHAPE":
            waiting += maker.inputs
    return False


def _constant_operand(at: int, index: int, place: int, extents: tuple[int, ...]) -> _Change:
    def settle(tree: Any) -> None:
        graph = tree.subgraphs[at]
        operator = graph.operators[index]
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer(np.array(extents, np.int32).tobytes(), np.uint8)
        tree.buffers.append(buffer)
        tensor.name = f"shape of operator {index}"
        tensor.shape, tensor.type = [len(extents)], schema.TensorType.INT32
        tensor.buffer = len(tree.buffers) - 1
        graph.tensors.append(tensor)
        inputs = [int(i) for i in operator.inputs]
        inputs[place] = len(graph.tensors) - 1
        operator.inputs = inputs

    return settle


def _prune(tree: Any, graph: Any, freed: list[int]) -> None:
    """Remove what computed tensors for nobody but operands that are constants now."""
    lasting = {getattr(schema.BuiltinOperator, kind) for kind in _LASTING}
    candidates = set(freed)
    while candidates:
        read = {int(i) for o in graph.operators for i in _indices(o.inputs)}
        read |= {int(i) for i in graph.outputs}
        kept = []
        again: set[int] = set()
        for operator in graph.operators:
            made = {int(i) for i in _indices(operator.outputs)}
            code = tree.operatorCodes[operator.opcodeIndex].builtinCode
            if made and made & candidates and not made & read and code not in lasting:
                again |= {int(i) for i in _indices(operator.inputs)}
            else:
                kept.append(operator)
        graph.operators = kept
        candidates = again


def _indices(vector: Any) -> Any:
    return () if vector is None else vector


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
