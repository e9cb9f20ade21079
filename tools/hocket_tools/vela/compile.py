# SPDX-License-Identifier: Apache-2.0
"""Compiles a TFLite model for an Ethos-U with Vela."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from hocket_host.errors import HocketError
from hocket_host.ethosu.stream.command_stream import parse

from ..cpu import OperatorError
from ..cpu.registry import count as operator_count
from ..segment.dataflow import footprints, live_before
from ..tflite.model import TfliteError, TfliteModel, read_bytes, read_tflite
from ..tflite.normal import normal_form
from ._process import CompilerOutput, run_compiler
from .checks import check_chosen, check_quantised, check_source, refusal
from .chosen import connected_by_bools, disguise, find_layers
from .debug import join
from .edges import edges_of
from .misread import misread
from .mixed import join_units
from .options import ResolvedOptions, VelaError, VelaOptions, resolve
from .payload import command_stream
from .places import check_arena, check_reach, state_of
from .result import CompiledModel, Network
from .variables import forwarded

_CACHED = 64


def compile_model(
    source: str | Path | bytes,
    options: VelaOptions | None = None,
    signature: str | None = None,
) -> CompiledModel:
    """Compile a TFLite model that is wholly on the NPU into one command stream and its data.

    Results are kept by content and options, so compiling the same model again costs nothing.

    Parameters
    ----------
    source
        Path of a .tflite file, or its bytes.
    options
        Vela's options; by default Vela's defaults.
    signature
        Which network of a file that holds several.

    Raises
    ------
    VelaError
        The file is no whole TFLite model, is not fully quantised, keeps operators on the CPU, or
        the options name something unknown.
    """
    resolved = resolve(options or VelaOptions())
    with _blamed(source):
        return _pure(_Keyed(_contents(source, signature)), resolved)


def compile_network(
    source: str | Path | bytes,
    options: VelaOptions | ResolvedOptions | None = None,
    on_cpu: Sequence[str | int] = (),
    signature: str | None = None,
) -> Network:
    """Compile a TFLite model into parts for the NPU and operators for the CPU, in order.

    What Vela leaves runs on the CPU if there is an operator for it.

    Parameters
    ----------
    source
        Path of a .tflite file, or its bytes.
    options
        Vela's options; by default Vela's defaults.
    on_cpu
        Layers that are to run on the CPU even where the NPU could: names, or indices of
        operators in the file.
    signature
        Which network of a file that holds several.

    Raises
    ------
    VelaError
        The file is no whole TFLite model, holds operators that neither unit runs, or the options
        or layers name something unknown.
    """
    resolved = (
        options if isinstance(options, ResolvedOptions) else resolve(options or VelaOptions())
    )
    with _blamed(source):
        keyed = _Keyed(_contents(source, signature))
        model = _read(keyed)
        chosen = tuple(sorted({*find_layers(model, on_cpu), *misread(model, keyed.data)}))
        data, remaining = forwarded(keyed.data, model)
        if data is not keyed.data:
            keyed = _Keyed(data)
            chosen = tuple(remaining.index(i) for i in chosen if i in remaining)
        if not chosen and "error" not in _answer(keyed, resolved).fields:
            return Network.of(_pure(keyed, resolved))
        return _mixed(keyed, resolved, chosen, operator_count())


def _contents(source: str | Path | bytes, signature: str | None) -> bytes:
    try:
        data = source if isinstance(source, bytes) else read_bytes(source)
        return normal_form(data, signature)
    except TfliteError as error:
        raise _as_vela(error) from None


@contextmanager
def _blamed(source: str | Path | bytes) -> Iterator[None]:
    """Errors say which file they are about."""
    try:
        yield
    except VelaError as error:
        where = None if isinstance(source, bytes) else str(source)
        if where is not None and (error.where is None or not str(error.where).startswith(where)):
            error.where = where if error.where is None else f"{where}: {error.where}"
        raise


class _Keyed:
    """Model bytes that hash by content digest once."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._digest = hashlib.sha256(data).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self._digest == other._digest


def _as_vela(error: HocketError) -> VelaError:
    return VelaError(
        error.message, found=error.found, expected=error.expected, try_=error.try_,
        where=error.where,
    )  # fmt: skip


def _read(keyed: _Keyed) -> TfliteModel:
    try:
        return read_tflite(keyed.data)
    except TfliteError as error:
        raise _as_vela(error) from None


@lru_cache(maxsize=_CACHED)
def _answer(keyed: _Keyed, options: ResolvedOptions) -> CompilerOutput:
    check_source(_read(keyed), keyed.data)
    return run_compiler(keyed.data, options)


@lru_cache(maxsize=_CACHED)
def _pure(keyed: _Keyed, options: ResolvedOptions) -> CompiledModel:
    source = _read(keyed)
    answer = _answer(keyed, options)
    if "error" in answer.fields:
        check_quantised(source, keyed.data)
        raise refusal(source, answer)
    return _result(source, answer, options)


@lru_cache(maxsize=_CACHED)
def _mixed(
    keyed: _Keyed, options: ResolvedOptions, chosen: tuple[int, ...], registered: int
) -> Network:
    del registered  # with other operators, other networks can be
    source = _read(keyed)
    check_source(source, keyed.data)
    check_chosen(source, keyed.data, chosen)
    answer = None if chosen else _answer(keyed, options)
    left = connected_by_bools(source, chosen or None)
    if answer is None or (left and not answer.blobs):
        answer = run_compiler(disguise(keyed.data, left), options, graph=True)
    try:
        return join_units(source, keyed.data, answer, options, chosen)
    except (OperatorError, TfliteError) as error:
        raise _as_vela(error) from None


def _result(source: TfliteModel, answer: CompilerOutput, options: ResolvedOptions) -> CompiledModel:
    fields = answer.fields
    stream = command_stream(answer.blobs[0], options.npu)
    parsed = parse(stream)
    prints = footprints(parsed.operations)
    check_arena(fields["scratch"])
    edges = edges_of(source, fields, fields["scratch_region"], prints)
    outputs_live = [t.range for t in edges.outputs]
    exposed = live_before(prints, outputs_live, lambda i: i == 0).get(0, ())
    known = [*(t.range for t in edges.inputs), *(s.range for s in edges.constants)]
    state, undefined = state_of(fields["variables"], exposed, known)
    dedicated = fields["fast_region"] != fields["read_only_region"] and fields["fast"] > 0
    model = CompiledModel(
        npu=options.npu,
        system_config=options.system_config,
        memory_mode=options.memory_mode,
        command_stream=stream,
        read_only=answer.blobs[1],
        scratch_size=edges.scratch_size,
        fast_scratch_size=fields["fast"] if dedicated else 0,
        flash_region=fields["read_only_region"],
        arena_region=fields["scratch_region"],
        fast_region=fields["fast_region"] if dedicated else None,
        inputs=edges.inputs,
        outputs=edges.outputs,
        state=(*state, *edges.constants),
        vela_cycles=fields["report"]["totalCycles"],
        macs=fields["report"]["macCount"],
        operations=join(fields["tables"], parsed.operations, prints, source.main),
        undefined_reads=undefined,
    )
    check_reach(model, prints)
    return model
