# SPDX-License-Identifier: Apache-2.0
"""Compiles a TFLite model for an Ethos-U with Vela."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hocket_host.ethosu.operation import parse

from ..splitter.dataflow import ByteRange, Footprint, footprints, live_before
from ..tflite import TfliteError, TfliteModel, TfliteTensor, read_bytes, read_tflite
from ._process import Answer, run_compiler
from .checks import check_source, listed
from .debug import join
from .errors import VelaError
from .options import ResolvedOptions, VelaOptions, resolve
from .payload import command_stream
from .result import CompiledModel, State, Tensor

_CACHED = 64


def compile_model(source: str | Path | bytes, options: VelaOptions | None = None) -> CompiledModel:
    """Compile a TFLite model into one command stream and its data.

    Results are kept by content and options, so compiling the same model again costs nothing.

    Parameters
    ----------
    source
        Path of a .tflite file, or its bytes.
    options
        Vela's options; by default Vela's defaults.

    Raises
    ------
    VelaError
        The file is no whole TFLite model, is not fully quantised, keeps operators on the CPU, or
        the options name something unknown.
    """
    resolved = resolve(options or VelaOptions())
    try:
        data = source if isinstance(source, bytes) else read_bytes(source)
    except TfliteError as error:
        raise _as_vela(error, None) from None
    where = None if isinstance(source, bytes) else str(source)
    try:
        return _compile(_Keyed(data), resolved)
    except VelaError as error:
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


def _as_vela(error: TfliteError, where: str | None) -> VelaError:
    return VelaError(
        error.message, found=error.found, expected=error.expected, try_=error.try_,
        where=error.where or where,
    )  # fmt: skip


@lru_cache(maxsize=_CACHED)
def _compile(keyed: _Keyed, options: ResolvedOptions) -> CompiledModel:
    try:
        source = read_tflite(keyed.data)
    except TfliteError as error:
        raise _as_vela(error, None) from None
    check_source(source)
    answer = run_compiler(keyed.data, options)
    if "error" in answer.fields:
        raise _refused(source, answer)
    return _result(source, answer, options)


def _refused(source: TfliteModel, answer: Answer) -> VelaError:
    """Name the operators that Vela left on the CPU."""
    left: dict[tuple[str, str], list[str]] = {}
    if answer.blobs:
        kept = read_tflite(answer.blobs[0])
        operators = {(o.kind, o.name): o for o in source.main.operators}
        for operator in kept.main.operators:
            if operator.custom and operator.kind == "ethos-u":
                continue
            # Vela renames what has no output; the source's own name helps more.
            known = operators.get((operator.kind, operator.name))
            reason = answer.reasons.get((operator.kind, operator.name), "")
            layers = left.setdefault((operator.kind, reason), [])
            layers.append(known.name if known is not None else operator.name)
    if not left:
        return VelaError(
            "Vela cannot compile this model",
            found=str(answer.fields["error"]).strip(),
            expected="a model that Vela turns into one NPU command stream",
            try_="compile it with the vela command to see its full report",
        )
    return VelaError(
        "operators are left on the CPU",
        found="; ".join(_left(kind, reason, names) for (kind, reason), names in left.items()),
        expected="every operator on the NPU",
        try_="replace them by operators that Vela supports (vela --supported-ops-report), "
        "or cut the model before them and run the rest as a CPU task",
    )


def _left(kind: str, reason: str, names: list[str]) -> str:
    layers = listed([f"'{name}'" for name in names if name])
    return f"{kind} x{len(names)}" + f" ({layers})" * bool(layers) + f": {reason}" * bool(reason)


def _result(source: TfliteModel, answer: Answer, options: ResolvedOptions) -> CompiledModel:
    fields = answer.fields
    stream = command_stream(answer.blobs[0], options.npu)
    parsed = parse(stream)
    prints = footprints(parsed.operations)
    inputs = _tensors("input", fields["inputs"], source, source.main.inputs)
    outputs = _tensors("output", fields["outputs"], source, source.main.outputs)
    outputs_live = [t.range for t in outputs]
    exposed = live_before(prints, outputs_live, lambda i: i == 0).get(0, ())
    state, undefined = _state(fields["variables"], exposed, [t.range for t in inputs])
    dedicated = fields["fast_region"] != fields["read_only_region"] and fields["fast"] > 0
    model = CompiledModel(
        npu=options.npu,
        system_config=options.system_config,
        memory_mode=options.memory_mode,
        command_stream=stream,
        read_only=answer.blobs[1],
        scratch_size=fields["scratch"],
        fast_scratch_size=fields["fast"] if dedicated else 0,
        flash_region=fields["read_only_region"],
        arena_region=fields["scratch_region"],
        fast_region=fields["fast_region"] if dedicated else None,
        inputs=inputs,
        outputs=outputs,
        state=state,
        vela_cycles=fields["report"]["totalCycles"],
        macs=fields["report"]["macCount"],
        operations=join(fields["tables"], parsed.operations, prints, source.main),
        undefined_reads=undefined,
    )
    _check_reach(model, prints)
    return model


def _check_reach(model: CompiledModel, prints: Sequence[Footprint]) -> None:
    """Hold the stream to the regions that the compiler declares."""
    regions = model.regions
    for index, p in enumerate(prints):
        for box in p.reads + p.writes:
            if box.high > regions.get(box.region, 0):
                raise VelaError(
                    "the command stream reaches outside its regions",
                    where=f"operation {index}",
                    found=f"byte {box.high - 1} of region {box.region}",
                    expected=", ".join(f"region {r}: {n} bytes" for r, n in regions.items()),
                )


def _tensors(
    what: str, placed: Sequence[dict[str, Any]], source: TfliteModel, indices: Sequence[int]
) -> tuple[Tensor, ...]:
    """Pair the placed tensors, which have no names, with the source's, in their common order."""
    named = [source.main.tensors[i] for i in indices]
    fits = len(placed) == len(named) and all(
        place["size"] == t.elements * np.dtype(t.dtype).itemsize
        for place, t in zip(placed, named, strict=True)
    )
    if not fits:
        raise VelaError(
            f"the {what}s of the compiled model are not those of the source",
            found=f"{[p['size'] for p in placed]} bytes",
            expected=", ".join(f"'{t.name}' {t.dtype}{list(t.shape)}" for t in named),
            try_=f"remove {what}s that no operator uses, and {what}s that pass straight through",
        )
    return tuple(_tensor(place, t) for place, t in zip(placed, named, strict=True))


def _tensor(place: dict[str, Any], named: TfliteTensor) -> Tensor:
    q = named.quantization
    return Tensor(
        name=named.name,
        shape=named.shape,
        dtype=named.dtype,
        scale=None if q is None else q.scales[0],
        zero_point=0 if q is None else q.zero_points[0],
        region=place["region"],
        offset=place["address"],
        size=place["size"],
    )


def _state(
    variables: Sequence[dict[str, Any]],
    exposed: Sequence[ByteRange],
    inputs: Sequence[ByteRange],
) -> tuple[tuple[State, ...], tuple[ByteRange, ...]]:
    """State that an inference reads before it writes it, and what it reads that nobody wrote.

    Vela lists a variable tensor once for every operator that it was unrolled into, all at the same
    address. The initial value is TFLite's reset rule: an int8 tensor is filled with its zero point,
    any other with zero bytes.
    """
    end = max([0, *(r.end for r in exposed), *(v["address"] + v["size"] for v in variables)])
    regions = {r.region for r in exposed} | {v["region"] for v in variables}
    state: list[State] = []
    undefined: list[ByteRange] = []
    for region in sorted(regions):
        read = np.zeros(end, dtype=np.bool_)
        for r in exposed:
            if r.region == region:
                read[r.start : r.end] = True
        for r in inputs:
            if r.region == region:
                read[r.start : r.end] = False
        value = np.zeros(end, dtype=np.uint8)
        owner = np.zeros(end, dtype=np.int64)
        for v in variables:
            if v["region"] == region:
                where = slice(v["address"], v["address"] + v["size"])
                owner[where] = 1 + v["address"]
                if v["element_size"] == 1 and v["zero_point"]:
                    value[where] = v["zero_point"][0] & 0xFF
        owner[~read] = 0
        for start, stop in _runs(owner):
            initial = value[start:stop].tobytes()
            state.append(State(region, start, initial))
        read[owner > 0] = False
        undefined += [ByteRange(region, a, b) for a, b in _runs(read.astype(np.int64))]
    return tuple(state), tuple(undefined)


def _runs(values: np.ndarray[Any, np.dtype[np.int64]]) -> list[tuple[int, int]]:
    """Half-open runs of one non-zero value each."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [(a, b) for a, b in pairwise(edges) if a < b and values[a]]
