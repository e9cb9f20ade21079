# SPDX-License-Identifier: Apache-2.0
"""Which of a model's subgraphs a task runs: the one that a signature names, or the only one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from .content import TfliteError, TfliteModel
from .operators import read_source

#: Options by operator that hold numbers of subgraphs.
_CALLS = {
    "CALL": ("subgraph",),
    "CALL_ONCE": ("initSubgraphIndex",),
    "IF": ("thenSubgraphIndex", "elseSubgraphIndex"),
    "WHILE": ("condSubgraphIndex", "bodySubgraphIndex"),
}
_SHOWN = 8


def entry_of(model: TfliteModel, data: bytes, signature: str | None = None) -> int:
    """Number of the subgraph that a task runs.

    Parameters
    ----------
    model, data
        The file, as read and as bytes.
    signature
        Key of a signature, or name of a subgraph that has none; None where there is one network.

    Raises
    ------
    TfliteError
        There is no such signature, or there are several networks and none is named.
    """
    named = _names(model, data)
    if signature is not None:
        if signature in named:
            return named[signature]
        close = difflib.get_close_matches(signature, named, n=1)
        raise TfliteError(
            "no such signature in the model",
            found=repr(signature),
            expected=_listed(named) or "a model with signatures; this one has none",
            try_=f'signature = "{close[0]}"' if close else "leave the signature out",
        )
    if len(set(named.values())) > 1:
        raise TfliteError(
            "a model of several networks, and no signature says which",
            found=f"signatures {_listed(named)}",
            expected="one of them for each task",
            try_=f'signature = "{next(iter(named))}" in the task; other tasks may take others of '
            "the same file",
        )
    return next(iter(named.values()), 0)


def reached(model: TfliteModel, data: bytes, start: int) -> tuple[int, ...]:
    """The subgraphs that one may run, itself first.

    Raises
    ------
    TfliteError
        One calls a subgraph that is not there.
    """
    found = [start]
    for at in found:
        for called in _called(model, data, at):
            if not 0 <= called < len(model.subgraphs):
                raise TfliteError(
                    "damaged TFLite file: a subgraph's number is out of range",
                    where=f"subgraph {at}",
                    found=called,
                    expected=f"below {len(model.subgraphs)}",
                )
            if called not in found:
                found.append(called)
    return tuple(found)


def extract(tree: Any, graphs: tuple[int, ...]) -> None:
    """Leave only some subgraphs of a model, the first of which becomes its entry."""
    number = {old: new for new, old in enumerate(graphs)}
    tree.subgraphs = [tree.subgraphs[i] for i in graphs]
    tree.signatureDefs = None
    kinds = {getattr(schema.BuiltinOperator, kind): names for kind, names in _CALLS.items()}
    for graph in tree.subgraphs:
        for operator in graph.operators or ():
            names = kinds.get(tree.operatorCodes[operator.opcodeIndex].builtinCode, ())
            for name in names if operator.builtinOptions is not None else ():
                called = getattr(operator.builtinOptions, name)
                setattr(operator.builtinOptions, name, number[called])
    used = {t.buffer for graph in tree.subgraphs for t in graph.tensors or ()}
    used |= {m.buffer for m in tree.metadata or ()}
    for index, buffer in enumerate(tree.buffers):
        if index not in used:
            buffer.data = None


def _names(model: TfliteModel, data: bytes) -> dict[str, int]:
    """Subgraphs that a task may run, by name."""
    if len(model.subgraphs) == 1:
        return dict.fromkeys((s.key for s in model.signatures), 0) or {model.main.name: 0}
    named = {s.key: s.subgraph for s in model.signatures}
    known = {i for at in {0, *named.values()} for i in reached(model, data, at)}
    if 0 not in named.values() and not any(0 in reached(model, data, at) for at in named.values()):
        named.setdefault(model.main.name or "0", 0)
    for at, graph in enumerate(model.subgraphs):
        if at not in known:
            named.setdefault(graph.name or str(at), at)
    return named


def _called(model: TfliteModel, data: bytes, at: int) -> Iterator[int]:
    if any(o.kind in _CALLS for o in model.subgraphs[at].operators):
        for operator in read_source(data, model, at):
            for name in _CALLS.get(operator.kind, ()):
                yield int(operator.option(name, 0))


def _listed(named: dict[str, int]) -> str:
    shown = ", ".join(f'"{name}"' for name in list(named)[:_SHOWN])
    return shown + (f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else "")
