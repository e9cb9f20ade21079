# SPDX-License-Identifier: Apache-2.0
"""Layers that the user puts on the CPU although the NPU could run them.

Vela leaves a custom operator alone, so a chosen operator is disguised as one before Vela sees the
model, under a name that tells which operator of the source it stands for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from ..cpu import SETTLED
from ..tflite.builder import unpack_model, write_model
from ..tflite.model import TfliteModel
from .options import VelaError
from .variables import ACCESSES

_PREFIX = "hocket-cpu-"
_SHOWN = 8


def find_layers(source: TfliteModel, wanted: Iterable[str | int]) -> tuple[int, ...]:
    """Indices of the operators that a user names.

    Parameters
    ----------
    source
        The model.
    wanted
        Names of layers (an operator's first output, or one of the names that a converter has
        joined there by semicolons), or indices of operators.

    Raises
    ------
    VelaError
        There is no such layer, or it computes nothing.
    """
    operators = source.main.operators
    found: set[int] = set()
    for layer in wanted:
        if isinstance(layer, int):
            hits = [layer] if 0 <= layer < len(operators) else []
        else:
            hits = [o.index for o in operators if o.name and o.name == layer]
            hits = hits or [o.index for o in operators if layer in o.name.split(";")]
        if not hits:
            names = [name for o in operators for name in {o.name, *o.name.split(";")} if name]
            close = difflib.get_close_matches(str(layer), names, n=1)
            shown = ", ".join(f"{o.index} '{o.name}'" for o in operators[:_SHOWN])
            more = f" and {len(operators) - _SHOWN} more" if len(operators) > _SHOWN else ""
            raise VelaError(
                "no such layer to put on the CPU",
                found=repr(layer),
                expected=f"a layer's name or an operator's index: {shown}{more}",
                try_=f"did you mean '{close[0]}'?" if close else None,
            )
        for index in hits:
            if operators[index].kind in SETTLED:
                raise VelaError(
                    "a layer that computes nothing cannot be put anywhere",
                    found=str(operators[index]),
                    expected="an operator that computes its outputs",
                )
        # Variables are the CPU's anyway.
        found.update(i for i in hits if operators[i].kind not in ACCESSES)
    return tuple(sorted(found))


def connected_by_bools(source: TfliteModel, seeds: Iterable[int] | None = None) -> tuple[int, ...]:
    """Operators that share bool tensors, with which Vela compiles no network.

    Parameters
    ----------
    source
        The model.
    seeds
        Operators whose bool tensors count; None for all there are.

    Returns
    -------
    tuple of int
        The seeds, and every operator that bool tensors connect them with.
    """
    graph = source.main

    def bools(index: int) -> set[int]:
        operator = graph.operators[index]
        touched = (*operator.inputs, *operator.outputs)
        return {t for t in touched if t >= 0 and graph.tensors[t].dtype == "bool"}

    everything = {o.index: bools(o.index) for o in graph.operators}
    found = {i for i, own in everything.items() if own} if seeds is None else set(seeds)
    known: set[int] = set()
    while True:
        shared = {t for i in found for t in everything[i]}
        if shared == known:
            return tuple(sorted(found))
        known = shared
        found |= {i for i, own in everything.items() if own & shared}


def disguise(model: bytes, indices: Iterable[int]) -> bytes:
    """Return the model with some operators of its main graph as custom ones.

    Their bool tensors become int8: Vela would normalise them by operations of its own, which then
    run nowhere.
    """
    tree = unpack_model(model)
    for index in indices:
        code = schema.OperatorCodeT()
        code.builtinCode = schema.BuiltinOperator.CUSTOM
        code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode = f"{_PREFIX}{index}"
        code.version = 1
        tree.operatorCodes.append(code)
        operator = tree.subgraphs[0].operators[index]
        operator.opcodeIndex = len(tree.operatorCodes) - 1
        operator.builtinOptionsType = schema.BuiltinOptions.NONE
        operator.builtinOptions = None
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor >= 0 and tree.subgraphs[0].tensors[tensor].type == schema.TensorType.BOOL:
                tree.subgraphs[0].tensors[tensor].type = schema.TensorType.INT8
    return write_model(tree)


def undisguised(kind: str) -> int | None:
    """Operator of the source that a custom operator stands for; None for any other."""
    number = kind.removeprefix(_PREFIX)
    return int(number) if kind.startswith(_PREFIX) and number.isdecimal() else None
