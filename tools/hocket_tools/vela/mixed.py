# SPDX-License-Identifier: Apache-2.0
"""A network for both units out of the TFLite file that Vela makes of it.

The file's operators are in the order of execution: ``ethos-u`` operators hold an NPU stream each,
all others are the CPU's. One plan of the arena serves both. NPU streams also hand data to
each other through it that no operator lists; it survives because every step writes only what the
plan gives it, and cutting an NPU part keeps all bytes that anything later reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from hocket_host.ethosu.stream.command_stream import parse

from ..cpu import ALIASES, SETTLED, SourceOperator, read_source, read_variables, reason
from ..segment.dataflow import ByteRange, footprints
from ..tflite.model import TfliteModel, TfliteOperator, TfliteTensor, read_tflite
from ._process import CompilerOutput
from .arena import ARENA, FAST, FLASH, Extension, lifetimes, planned_offsets, tensor_bytes
from .checks import refusal
from .chosen import undisguised
from .debug import Row, join
from .edges import uncomputed
from .needed import needed, reads
from .options import ResolvedOptions, VelaError
from .payload import command_stream
from .places import check_arena, check_reach, state_of, tensors_of
from .result import CompiledModel, CpuOperator, Network, Part, State
from .variables import read_too_late, variable_names


def join_units(
    source: TfliteModel,
    data: bytes,
    answer: CompilerOutput,
    options: ResolvedOptions,
    chosen: Sequence[int] = (),
) -> Network:
    """Build a network from Vela's graph.

    Parameters
    ----------
    source, data
        The source, as read and as bytes.
    answer
        Vela's graph of it.
    options
        What it was compiled with.
    chosen
        Operators that the user put on the CPU.

    Raises
    ------
    VelaError
        Vela made no graph, or there are operators that neither unit runs.
    OperatorError
        A variable without one size, or with an initial value that is computed.
    """
    if not answer.blobs:
        raise refusal(source, answer)
    return _Joiner(source, data, answer, options, chosen).network()


class _Joiner:
    """Finds places first, then the parts, then what each part must preserve."""

    def __init__(
        self,
        source: TfliteModel,
        data: bytes,
        answer: CompilerOutput,
        options: ResolvedOptions,
        chosen: Sequence[int],
    ) -> None:
        self.source = source
        self.answer = answer
        self.options = options
        self.chosen = chosen
        self.graph = read_tflite(answer.blobs[0])
        self.operators = read_source(answer.blobs[0], self.graph)
        self.originals = read_source(data, source)
        self.variables = read_variables(answer.blobs[0], self.graph)
        operators = self.graph.main.operators
        self.npu = [o for o in operators if o.custom and o.kind == "ethos-u"]
        self.order = [o.index for o in operators if o.kind not in SETTLED]
        self.described = {o.index: self._described(o) for o in operators if o not in self.npu}
        self._refuse_impossible()
        self.read_only, self.scratch_size, self.fast_size = self._regions()
        self.state: list[State] = []
        self.snapshots: dict[int, ByteRange] = {}
        self.places, self.arena_size = self._placed()
        check_arena(self.arena_size)

    def network(self) -> Network:
        """Return the network."""
        sizes = {ARENA: self.arena_size, FAST: self.fast_size}
        parts: list[Part] = [*self._snapshot_parts()]
        parts += [part for index in self.order for part in self._part(self.operator(index))]
        prints = [
            footprints(p.stream.operations) if isinstance(p, CompiledModel) else [] for p in parts
        ]
        for part, own in zip(parts, prints, strict=True):
            if isinstance(part, CompiledModel):
                check_reach(replace(part, scratch_size=self.scratch_size), own)
        inputs = self._edges("input", self.graph.main.inputs, self.source.main.inputs)
        outputs = self._edges("output", self.graph.main.outputs, self.source.main.outputs)
        lasting = [t.range for t in outputs] + [s.range for s in self.state]
        variables = self._npu_variables()
        lasting += [
            ByteRange(v["region"], v["address"], v["address"] + v["size"]) for v in variables
        ]
        after, exposed = needed(parts, prints, lasting, sizes)
        known = [*(t.range for t in inputs), *(s.range for s in self.state)]
        held, undefined = state_of(variables, exposed, known)
        self._check_disjoint(parts, held)
        flash = [reads(p, FLASH) for p in prints]
        kept = [
            (*live, *(r for other, ranges in enumerate(flash) if other != at for r in ranges))
            for at, live in enumerate(after)
        ]
        options = self.options
        return Network(
            npu=options.npu,
            system_config=options.system_config,
            memory_mode=options.memory_mode,
            read_only=self.read_only,
            flash_region=FLASH,
            arena_region=ARENA,
            fast_region=FAST if self.fast_size else None,
            arena_size=self.arena_size,
            fast_size=self.fast_size,
            inputs=inputs,
            outputs=outputs,
            state=tuple(sorted((*held, *self.state), key=lambda s: (s.region, s.offset))),
            parts=tuple(
                replace(part, kept=tuple(ranges)) if isinstance(part, CompiledModel) else part
                for part, ranges in zip(parts, kept, strict=True)
            ),
            vela_cycles=self.answer.fields["report"]["totalCycles"],
            macs=self.answer.fields["report"]["macCount"],
            undefined_reads=undefined,
        )

    def operator(self, index: int) -> TfliteOperator:
        return self.graph.main.operators[index]

    def _described(self, operator: TfliteOperator) -> SourceOperator:
        """The operator as the source has it: Vela's copy of a constant knows less."""
        mine = self.operators[operator.index]
        at = undisguised(operator.kind) if operator.custom else self._original(operator)
        if at is None or at >= len(self.originals):
            return mine
        original = self.originals[at]
        if operator.custom:
            return original
        same = len(_given(mine.inputs)) == len(_given(original.inputs)) and all(
            a.shape == b.shape and a.dtype == b.dtype
            for a, b in zip(
                (*_given(mine.inputs), *mine.outputs),
                (*_given(original.inputs), *original.outputs),
                strict=False,
            )
        )
        return original if same else mine

    def _original(self, operator: TfliteOperator) -> int | None:
        for candidate in self.source.main.operators:
            if operator.name and (candidate.kind, candidate.name) == (operator.kind, operator.name):
                return candidate.index
        return None

    def _refuse_impossible(self) -> None:
        impossible = {}
        for index, described in self.described.items():
            why = None if described.kind in SETTLED else reason(described)
            if why is not None:
                impossible[index] = why
        if impossible:
            raise refusal(self.source, self.answer, impossible)

    def _regions(self) -> tuple[bytes, int, int]:
        """Read-only data, and sizes of scratch and fast scratch."""
        if not self.npu:
            return b"", 0, 0
        tensors = self.graph.main.tensors
        shared = {o.inputs[1:4] for o in self.npu}
        if len(shared) != 1 or len(self.npu[0].inputs) < 4:
            raise VelaError(
                "NPU operators that do not share their memories",
                found=f"{len(shared)} sets of read-only data and scratch",
                expected="one of all",
                try_="use the version of ethos-u-vela that Hocket asks for",
            )
        read_only, scratch, fast = (tensors[i] for i in self.npu[0].inputs[1:4])
        own = fast.index != scratch.index
        return read_only.data or b"", scratch.elements, fast.elements if own else 0

    def _placed(self) -> tuple[dict[int, ByteRange], int]:
        """Place of every tensor that is computed or kept, and the size of the arena."""
        tensors = self.graph.main.tensors
        offsets = planned_offsets(self.graph)
        memories = {i for o in self.npu for i in o.inputs[:4]}
        places: dict[int, ByteRange] = {}
        rest: dict[int, int] = {}
        kept = {
            i
            for index in self.described
            for i in self.operator(index).inputs
            if i >= 0 and tensors[i].is_variable
        }
        for tensor in tensors:
            if tensor.index in memories or tensor.data is not None or tensor.dtype == "resource":
                continue
            size = tensor_bytes(tensor)
            if tensor.index in kept:
                continue
            if offsets[tensor.index] >= 0:
                start = offsets[tensor.index]
                places[tensor.index] = ByteRange(ARENA, start, start + size)
            else:
                rest[tensor.index] = size
        extension = Extension(max([self.scratch_size, *(r.end for r in places.values())]))
        names = variable_names(self.operators)
        wrong = read_too_late(self.operators)
        late = {handle for handle, name in names.items() if name in wrong}
        for variable in self.variables:
            place = extension.keep(variable.bytes)
            self.state.append(State(ARENA, place.start, variable.initial))
            places.update(dict.fromkeys(variable.handles, place))
            if set(variable.handles) & late:
                # It is read after Vela has it assigned; the value before is saved.
                aside = extension.keep(variable.bytes)
                self.snapshots.update(dict.fromkeys(variable.handles, aside))
        for index in sorted(kept):
            places[index] = extension.keep(tensor_bytes(tensors[index]))
            self.state.append(State(ARENA, places[index].start, _reset_value(tensors[index])))
        for mine, index in self._uncomputed_outputs():
            data = self.source.main.tensors[index].data
            if data is None:
                raise uncomputed(self.source.main, index)
            rest.pop(mine, None)
            places[mine] = extension.keep(len(data))
            self.state.append(State(ARENA, places[mine].start, data))
        places.update(extension.share(lifetimes(self.graph, rest, self.order)))
        return places, extension.end

    def _uncomputed_outputs(self) -> Iterator[tuple[int, int]]:
        """Outputs that no operator writes and nobody gives, in Vela's graph and in the source."""
        theirs, source = self.graph.main.outputs, self.source.main
        made = {i for o in source.operators for i in o.outputs} | set(source.inputs)
        for mine, index in zip(theirs, source.outputs, strict=False):
            if index not in made:
                yield mine, index

    def _snapshot_parts(self) -> Iterator[CpuOperator]:
        """Save values of variables that are read after their assignment."""
        done: set[ByteRange] = set()
        for index, described in self.described.items():
            if described.kind != "READ_VARIABLE":
                continue
            handle = self.operator(index).inputs[0]
            aside = self.snapshots.get(handle)
            if aside is not None and aside not in done:
                done.add(aside)
                own, result = described.input(0).index, described.outputs[0].index
                places = {own: self.places[handle], result: aside}
                yield CpuOperator(f"{described.name} before", described, None, places)

    def _part(self, operator: TfliteOperator) -> Iterable[Part]:
        if operator in self.npu:
            yield self._npu_part(operator)
            return
        described = self.described[operator.index]
        given = [i for i in operator.inputs if i >= 0]
        theirs = (*_given(described.inputs), *described.outputs)
        places = {
            own.index: self.places[index]
            for own, index in zip(theirs, (*given, *operator.outputs), strict=True)
            if index in self.places
        }
        if described.kind == "READ_VARIABLE" and operator.inputs[0] in self.snapshots:
            places[described.input(0).index] = self.snapshots[operator.inputs[0]]
        outputs = [places[t.index] for t in described.outputs]
        inputs = [places[t.index] for t in _given(described.inputs) if t.index in places]
        if described.kind in ALIASES and outputs[0] == inputs[0]:
            return
        if any(_overlap(a, b) for a in inputs for b in outputs):
            raise VelaError(
                "an operator whose output lies on its input",
                where=f"{operator}",
                found=f"bytes {outputs[0].start} to {outputs[0].end - 1} of the arena",
                expected="memory apart from its inputs",
            )
        at = undisguised(operator.kind) if operator.custom else self._original(operator)
        name = described.name or next(
            (v.name for v in self.variables if set(v.handles) & set(operator.inputs)), ""
        )
        chosen = operator.custom and at in self.chosen
        yield CpuOperator(name or described.kind, described, at, places, chosen)

    def _npu_part(self, operator: TfliteOperator) -> CompiledModel:
        options = self.options
        payload = self.graph.main.tensors[operator.inputs[0]].data or b""
        stream = command_stream(payload, options.npu)
        operations = parse(stream).operations
        tables = dict(self.answer.fields["tables"])
        tables["queue"] = self._queue(tables.get("queue", ()), self.npu.index(operator))
        return CompiledModel(
            npu=options.npu,
            system_config=options.system_config,
            memory_mode=options.memory_mode,
            command_stream=stream,
            read_only=self.read_only,
            scratch_size=self.arena_size,
            fast_scratch_size=self.fast_size,
            flash_region=FLASH,
            arena_region=ARENA,
            fast_region=FAST if self.fast_size else None,
            inputs=(),
            outputs=(),
            state=(),
            vela_cycles=0,
            macs=0,
            operations=join(tables, operations, footprints(operations), self.source.main),
        )

    def _queue(self, rows: Sequence[Row], number: int) -> list[Row]:
        """Rows of the debug database about one stream; they are numbered in the file's order."""
        streams = sorted({int(row["cmdstream_id"]) for row in rows})
        if len(streams) != len(self.npu):
            return []
        return [row for row in rows if int(row["cmdstream_id"]) == streams[number]]

    def _edges(self, what: str, indices: Sequence[int], named: Sequence[int]) -> Any:
        found = []
        for index in indices:
            place = self.places.get(index)
            if place is None:
                raise VelaError(
                    f"an {what} that is not computed",
                    found=f"'{self.graph.main.tensors[index].name}'",
                    expected="a tensor in the arena",
                )
            found.append({"region": ARENA, "address": place.start, "size": place.size})
        return tensors_of(what, found, self.source, named)

    def _npu_variables(self) -> list[dict[str, Any]]:
        """State that NPU streams keep inside Vela's plan, as `state_of` takes it."""
        found: dict[tuple[int, int], dict[str, Any]] = {}
        own = {(s.region, s.offset) for s in self.state}
        for operator in self.npu:
            for index in operator.inputs:
                tensor = self.graph.main.tensors[index]
                place = self.places.get(index)
                if not tensor.is_variable or place is None or (place.region, place.start) in own:
                    continue
                zero = tensor.quantization.zero_points if tensor.quantization else ()
                found[(place.region, place.start)] = {
                    "region": place.region,
                    "address": place.start,
                    "size": place.size,
                    "element_size": tensor_bytes(tensor) // max(tensor.elements, 1),
                    "zero_point": list(zero),
                }
        return list(found.values())

    def _check_disjoint(self, parts: Sequence[Part], held: Sequence[State]) -> None:
        for part in parts:
            if isinstance(part, CompiledModel):
                continue
            for tensor in part.source.outputs:
                place = part.places[tensor.index]
                if any(_overlap(place, s.range) for s in held):
                    raise VelaError(
                        "a CPU operator lies on the NPU's state",
                        where=f"layer '{part.name}'",
                        found=f"bytes {place.start} to {place.end - 1} of the arena",
                        expected="memory apart from what outlives an inference",
                    )


def _given(tensors: Sequence[TfliteTensor | None]) -> list[TfliteTensor]:
    return [t for t in tensors if t is not None]


def _overlap(a: ByteRange, b: ByteRange) -> bool:
    return a.region == b.region and a.start < b.end and b.start < a.end


def _reset_value(tensor: TfliteTensor) -> bytes:
    """TFLite's reset rule: the zero point for int8, else zero bytes."""
    quantised = tensor.dtype == "int8" and tensor.quantization is not None
    zero = tensor.quantization.zero_points[0] if quantised and tensor.quantization else 0
    return bytes([zero & 0xFF]) * tensor_bytes(tensor)
