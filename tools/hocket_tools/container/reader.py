# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a container to an image, trusting nothing.

The checks are those of the device reader, ``hocket/container.py``, written a second time on
purpose: the two are fuzzed against each other.
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

from . import format as fmt
from .envelope import ContainerError, Envelope, open_envelope, problem
from .format import DType, ModelFlag, Overrun, RegionKind, SectionKind, StepKind
from .image import Image, Model, PersistentRange, PlanEntry, Region, Step, Task, Tensor
from .programs import decode

T = TypeVar("T")


def _of(value: type[T], record: Any, /, **given: Any) -> T:
    """A value with the fields of a record, but for those given."""
    return value(**{name: record[name] for name in value.__annotations__ if name in record} | given)


def _inside(offset: int, size: int, start: int, end: int) -> bool:
    return start <= offset and offset + size <= end


class _Tables:
    """Walks the records of a container whose envelope has been checked."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.data = envelope.data
        self.arena_pool: int = envelope.header.arena_size

    def models(self) -> tuple[Model, ...]:
        count = self.envelope.sections[SectionKind.MODELS].count
        kinds = ("REGIONS", "TENSORS", "STEPS", "PERSISTENT")
        owned = dict.fromkeys((SectionKind[kind] for kind in kinds), 0)
        models = tuple(self._model(index, owned) for index in range(count))
        for kind, used in owned.items():
            section = self.envelope.sections[kind]
            if used != section.count:
                raise problem(
                    section.offset,
                    kind.name.lower(),
                    "records that no model owns",
                    found=f"{section.count} records, {used} owned",
                    expected="equal numbers",
                )
        self._check_names(SectionKind.MODELS, [model.name for model in models])
        self._check_overlap(models)
        return models

    def _take(
        self, owned: dict[SectionKind, int], kind: SectionKind, first: int, count: int, at: int
    ) -> range:
        """Records [first, first + count) of a section, which must follow those already owned."""
        available = self.envelope.sections[kind].count
        if first != owned[kind] or count > available - first:
            raise problem(
                at,
                "models",
                f"wrong {kind.name.lower()} of a model",
                found=f"records {first} to {first + count}",
                expected=f"records from {owned[kind]}, at most to {available}",
            )
        owned[kind] = first + count
        return range(first, first + count)

    def _model(self, index: int, owned: dict[SectionKind, int]) -> Model:
        at, record = self.envelope.record(SectionKind.MODELS, index)
        name = self.envelope.string(record.name, at)
        if record.flags & ~ModelFlag.SHARED_ARENA.value:
            raise problem(at, "models", "unknown model flags", f"{record.flags:#x}", "0 or 1")
        if not name:
            raise problem(at, "models", "a model without a name", "''", "a name")
        arena = (record.arena_offset, record.arena_offset + record.arena_size)
        if arena[0] % fmt.ALIGNMENT or arena[1] > self.arena_pool:
            raise problem(
                at,
                "models",
                f"the arena of model {name!r} does not fit",
                found=f"{record.arena_size} bytes at {record.arena_offset}",
                expected=f"16-byte aligned, inside the pool of {self.arena_pool} bytes",
            )
        regions = tuple(
            self._region(i, arena)
            for i in self._take(
                owned, SectionKind.REGIONS, record.first_region, fmt.REGION_SLOTS, at
            )
        )
        tensors = [
            self._tensor(i, regions, n < record.inputs)
            for n, i in enumerate(
                self._take(
                    owned,
                    SectionKind.TENSORS,
                    record.first_tensor,
                    record.inputs + record.outputs,
                    at,
                )
            )
        ]
        steps = self._take(owned, SectionKind.STEPS, record.first_step, record.steps, at)
        if not steps:
            raise problem(at, "models", f"model {name!r} has no steps", "0", "at least 1")
        held = self._take(
            owned, SectionKind.PERSISTENT, record.first_persistent, record.persistent, at
        )
        shared = bool(record.flags & ModelFlag.SHARED_ARENA)
        if shared and held:
            raise problem(
                at,
                "models",
                f"model {name!r} keeps state in an arena that others may use",
                found=f"{len(held)} persistent ranges and the shared-arena flag",
                expected="one or the other",
            )
        return Model(
            name=name,
            regions=regions,
            inputs=tuple(tensors[: record.inputs]),
            outputs=tuple(tensors[record.inputs :]),
            steps=tuple(self._step(i, regions) for i in steps),
            arena_offset=record.arena_offset,
            arena_size=record.arena_size,
            persistent=tuple(self._persistent(i, index, regions) for i in held),
            shared_arena=shared,
        )

    def _region(self, index: int, arena: tuple[int, int]) -> Region:
        at, record = self.envelope.record(SectionKind.REGIONS, index)
        offset, size = record.offset, record.size
        if record.kind == RegionKind.UNUSED:
            if offset or size:
                raise problem(at, "regions", "an unused region with a place", f"{offset}", "0")
            return Region()
        if record.kind == RegionKind.READ_ONLY:
            section = self.envelope.sections[SectionKind.DATA]
            bounds = (section.offset, section.offset + section.size)
        elif record.kind == RegionKind.ARENA:
            bounds = arena
        else:
            raise problem(at, "regions", "unknown kind of region", record.kind, "0, 1 or 2")
        if offset % fmt.ALIGNMENT or not _inside(offset, size, *bounds):
            raise problem(
                at,
                "regions",
                "a region out of bounds",
                found=f"{size} bytes at {offset}",
                expected=f"16-byte aligned, inside {bounds[0]} to {bounds[1]}",
            )
        if record.kind == RegionKind.ARENA:
            return Region.arena(offset, size)
        return Region.read_only(bytes(self.data[offset : offset + size]))

    def _tensor(self, index: int, regions: tuple[Region, ...], is_input: bool) -> Tensor:
        at, record = self.envelope.record(SectionKind.TENSORS, index)
        name = self.envelope.string(record.name, at)
        what = f"tensor {name!r}"
        if record.dtype not in DType.__members__.values():
            raise problem(at, "tensors", f"{what}: unknown dtype", record.dtype, "1 to 9")
        dtype = DType(record.dtype)
        rank = record.rank
        if rank > fmt.MAX_RANK:
            raise problem(at, "tensors", f"{what}: too many dimensions", rank, "at most 6")
        shape = tuple(record.shape)
        if any(shape[rank:]) or not all(shape[:rank]):
            raise problem(
                at, "tensors", f"{what}: wrong shape", shape, f"{rank} dimensions, then zeros"
            )
        expected = dtype.size
        for dimension in shape[:rank]:
            expected *= dimension
        if record.size != expected:
            raise problem(at, "tensors", f"{what}: wrong size", record.size, expected)
        # A NaN, an infinity or a negative zero differs from what can be compared or divided by.
        bits = int.from_bytes(struct.pack("<f", record.scale), "little")
        if bits >= 0x7F800000:
            raise problem(
                at, "tensors", f"{what}: unusable scale", record.scale, "finite, not negative"
            )
        region = regions[record.region] if record.region < len(regions) else Region()
        usable = region.kind == RegionKind.ARENA or (
            region.kind == RegionKind.READ_ONLY and not is_input
        )
        if not usable or not _inside(record.offset, record.size, 0, region.size):
            raise problem(
                at,
                "tensors",
                f"{what} does not lie in its region",
                found=f"{record.size} bytes at {record.offset} of region {record.region}",
                expected=f"inside {region.size} bytes of "
                + ("an arena region" if is_input else "a region in use"),
            )
        return _of(Tensor, record, name=name, shape=shape[:rank], dtype=dtype)

    def _step(self, index: int, regions: tuple[Region, ...]) -> Step:
        at, record = self.envelope.record(SectionKind.STEPS, index)
        section = self.envelope.sections[SectionKind.STREAMS]
        offset, size = record.stream_offset, record.stream_size
        if record.kind not in StepKind.__members__.values():
            raise problem(at, "steps", "a step of unknown kind", record.kind, "0 or 1")
        if offset % fmt.ALIGNMENT or size % 4 or not size:
            raise problem(
                at,
                "steps",
                "a command stream at an impossible place",
                found=f"{size} bytes at {offset}",
                expected="whole 32-bit words, 16-byte aligned",
            )
        if not _inside(offset, size, section.offset, section.offset + section.size):
            raise problem(
                at,
                "steps",
                "a command stream outside its section",
                found=f"{size} bytes at {offset}",
                expected=f"inside {section.offset} to {section.offset + section.size}",
            )
        if record.nominal_cycles > record.worst_cycles:
            raise problem(
                at,
                "steps",
                "nominal cycles above the worst case",
                found=record.nominal_cycles,
                expected=f"at most {record.worst_cycles}",
            )
        name = self.envelope.string(record.name, at)
        stream = bytes(self.data[offset : offset + size])
        program = None
        if record.kind == StepKind.CPU:
            newer = self.envelope.header.version_minor > fmt.VERSION_MINOR
            program = decode(offset, stream, record.worst_cycles, regions, newer=newer)
            stream = b""
        kind = StepKind(record.kind)
        return _of(Step, record, name=name, stream=stream, kind=kind, program=program)

    def _persistent(self, index: int, model: int, regions: tuple[Region, ...]) -> PersistentRange:
        at, record = self.envelope.record(SectionKind.PERSISTENT, index)
        region = regions[record.region] if record.region < len(regions) else Region()
        if (
            record.model != model
            or region.kind != RegionKind.ARENA
            or not record.size
            or not _inside(record.offset, record.size, 0, region.size)
        ):
            raise problem(
                at,
                "persistent",
                "a persistent range outside its model's arena",
                found=f"model {record.model}, region {record.region}, "
                f"{record.size} bytes at {record.offset}",
                expected=f"model {model}, an arena region, inside {region.size} bytes",
            )
        data = self.envelope.sections[SectionKind.DATA]
        initial = b""
        if record.initial:
            if not _inside(record.initial, record.size, data.offset, data.offset + data.size):
                raise problem(
                    at,
                    "persistent",
                    "initial bytes outside the data",
                    found=f"{record.size} bytes at {record.initial}",
                    expected=f"inside {data.offset} to {data.offset + data.size}",
                )
            initial = bytes(self.data[record.initial : record.initial + record.size])
        return _of(PersistentRange, record, initial=initial)

    def _check_names(self, kind: SectionKind, names: list[str]) -> None:
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise problem(
                self.envelope.sections[kind].offset,
                kind.name.lower(),
                "a name given twice",
                found=repr(min(twice)),
                expected="different names",
            )

    def _check_overlap(self, models: tuple[Model, ...]) -> None:
        private_end = shared_end = 0
        for model in sorted((m for m in models if m.arena_size), key=lambda m: m.arena_offset):
            end = model.arena_offset + model.arena_size
            taken = private_end if model.shared_arena else max(private_end, shared_end)
            if model.arena_offset < taken:
                raise problem(
                    self.envelope.sections[SectionKind.MODELS].offset,
                    "models",
                    f"the arena of model {model.name!r} overlaps another model's",
                    found=f"starts at {model.arena_offset}",
                    expected=f"at {taken} or later",
                    try_="move it, or share the arenas of models that never run interleaved",
                )
            if model.shared_arena:
                shared_end = max(shared_end, end)
            else:
                private_end = end

    def tasks(self, models: int) -> tuple[Task, ...]:
        section = self.envelope.sections[SectionKind.TASKS]
        tasks = tuple(self._task(index, models) for index in range(section.count))
        self._check_names(SectionKind.TASKS, [task.name for task in tasks])
        return tasks

    def _task(self, index: int, models: int) -> Task:
        at, record = self.envelope.record(SectionKind.TASKS, index)
        name = self.envelope.string(record.name, at)
        if not name:
            raise problem(at, "tasks", "a task without a name", "''", "a name")
        if record.model >= models:
            raise problem(
                at, "tasks", f"task {name!r} has no model", record.model, f"below {models}"
            )
        if not record.period_ns or not record.deadline_ns:
            raise problem(
                at,
                "tasks",
                f"task {name!r} has no period or no deadline",
                found=f"period {record.period_ns} ns, deadline {record.deadline_ns} ns",
                expected="at least 1 ns each",
            )
        if record.overrun not in Overrun.__members__.values():
            raise problem(at, "tasks", "unknown overrun policy", record.overrun, "0, 1 or 2")
        return _of(Task, record, name=name, overrun=Overrun(record.overrun))

    def plan(self, tasks: int) -> tuple[PlanEntry, ...]:
        section = self.envelope.sections[SectionKind.PLAN]
        if section.count != tasks:
            raise problem(section.offset, "plan", "not one plan entry a task", section.count, tasks)
        entries = []
        for index in range(section.count):
            at, record = self.envelope.record(SectionKind.PLAN, index)
            if record.longest_segment_cycles > record.total_cycles:
                raise problem(
                    at,
                    "plan",
                    "a segment longer than its job",
                    found=record.longest_segment_cycles,
                    expected=f"at most {record.total_cycles}",
                )
            entries.append(_of(PlanEntry, record))
        return tuple(entries)


def read(data: bytes, *, expect_accelerator: str | None = None) -> Image:
    """Read a container wholly, or refuse it.

    Parameters
    ----------
    data
        The file's bytes.
    expect_accelerator
        Refuse a container for any other accelerator, such as ``"ethos-u55-128"``.

    Raises
    ------
    ContainerError
        With the byte offset and section at which it was seen, what was found and expected.
    """
    envelope = open_envelope(data)
    header = envelope.header
    if expect_accelerator is not None and envelope.accelerator != expect_accelerator:
        raise ContainerError(
            "the container is for another accelerator",
            found=envelope.accelerator,
            expected=expect_accelerator,
            try_="pack it again with the accelerator's name in --accelerator-config",
        )
    tables = _Tables(envelope)
    models = tables.models()
    tasks = tables.tasks(len(models))
    return Image(
        accelerator=envelope.accelerator,
        npu_config=header.npu_config,
        npu_id=header.npu_id,
        npu_hz=header.npu_hz,
        arena_size=header.arena_size,
        policy=envelope.policy,
        models=models,
        tasks=tasks,
        plan=tables.plan(len(tasks)),
        notes=envelope.content(SectionKind.NOTES),
    )
