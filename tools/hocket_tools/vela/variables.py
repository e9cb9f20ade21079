# SPDX-License-Identifier: Apache-2.0
"""The order of accesses to resource variables, which Vela does not know and may change.

Where a variable is read after it was assigned in the same inference, the value is the one that was
assigned; and of several assignments only the last outlives the inference. Once a model says so,
what remains are reads of the value before the inference, and one assignment of the value after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..cpu import SourceOperator, read_source
from ..tflite.builder import unpack_model, write_model
from ..tflite.model import TfliteModel
from .options import VelaError

ACCESSES = ("READ_VARIABLE", "ASSIGN_VARIABLE")


def variable_names(operators: Sequence[SourceOperator]) -> dict[int, str]:
    """Variable's name by the tensor of its handle."""

    def text(value: object) -> str:
        return value.decode() if isinstance(value, bytes) else str(value or "")

    return {
        o.outputs[0].index: f"{text(o.option('container'))}/{text(o.option('sharedName'))}"
        for o in operators
        if o.kind == "VAR_HANDLE"
    }


def forwarded(data: bytes, source: TfliteModel) -> tuple[bytes, tuple[int, ...]]:
    """Return the model with each variable read only before, and assigned once.

    Parameters
    ----------
    data, source
        The model, as bytes and as read.

    Returns
    -------
    bytes
        The very same where nothing had to change.
    tuple of int
        Operators of the main graph that remain, by their indices.

    Raises
    ------
    VelaError
        A value is read with another scale than it was assigned with.
    """
    every = tuple(range(len(source.main.operators)))
    if not any(o.kind == "ASSIGN_VARIABLE" for o in source.main.operators):
        return data, every
    operators = read_source(data, source)
    names = variable_names(operators)
    value: dict[str, int] = {}
    assigned: dict[str, int] = {}
    instead: dict[int, int] = {}
    dropped: set[int] = set()
    for index, operator in enumerate(operators):
        if operator.kind not in ACCESSES:
            continue
        name = names[operator.input(0).index]
        if operator.kind == "ASSIGN_VARIABLE":
            if name in assigned:
                dropped.add(assigned[name])
            assigned[name] = index
            given = operator.input(1).index
            value[name] = instead.get(given, given)
        elif name in value:
            known, read = source.main.tensors[value[name]], operator.outputs[0]
            if (known.shape, known.dtype, known.quantization) != (
                read.shape, read.dtype, read.quantization,
            ):  # fmt: skip
                raise VelaError(
                    "a variable is read as something else than was assigned",
                    where=f"variable '{name}'",
                    found=f"{read.dtype}{list(read.shape)} '{read.name}'",
                    expected=f"shape, type and scale of {known.dtype}{list(known.shape)} "
                    f"'{known.name}'",
                    try_="use the assigned value itself",
                )
            instead[read.index] = value[name]
            dropped.add(index)
    if not dropped:
        return data, every
    remaining = tuple(i for i in every if i not in dropped)
    return _rewritten(data, remaining, instead), remaining


def _rewritten(data: bytes, remaining: Sequence[int], instead: dict[int, int]) -> bytes:
    tree = unpack_model(data)
    graph = tree.subgraphs[0]
    graph.operators = [graph.operators[i] for i in remaining]
    for operator in graph.operators:
        inputs = () if operator.inputs is None else operator.inputs
        operator.inputs = [instead.get(int(i), int(i)) for i in inputs]
    graph.outputs = [instead.get(int(i), int(i)) for i in graph.outputs]
    return write_model(tree)


def read_too_late(operators: Sequence[SourceOperator]) -> set[str]:
    """Names of variables that are read after their assignment, in a graph where none should be."""
    names = variable_names(operators)
    assigned: set[str] = set()
    late: set[str] = set()
    for operator in operators:
        if operator.kind in ACCESSES:
            name = names[operator.input(0).index]
            if operator.kind == "ASSIGN_VARIABLE":
                assigned.add(name)
            elif name in assigned:
                late.add(name)
    return late
