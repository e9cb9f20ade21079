# SPDX-License-Identifier: Apache-2.0
"""Images for tests: one rich example, hypothesis strategies, and edits that keep CRCs right."""

from __future__ import annotations

import binascii
import struct
from typing import Any

from hypothesis import strategies as st

from hocket_tools.container import (
    CpuProgram,
    DType,
    Image,
    Model,
    Operand,
    Overrun,
    PersistentRange,
    PlanEntry,
    Policy,
    Region,
    Step,
    Task,
    Tensor,
    region_slots,
)
from hocket_tools.container import format as fmt

WEIGHTS = bytes(range(200))
STATE = bytes(range(100, 120))
OPERATORS = (
    Step.cpu(
        "gather",
        CpuProgram(
            code=7,
            params=bytes(range(10)),
            inputs=(Operand(1, 0, 32), Operand(0, 8, 100)),
            outputs=(Operand(2, 100, 7),),
            scratch=Operand(1, 128, 40),
            step_cycles=500,
            steps=3,
            runs_on=True,
        ),
        900,
        1300,
    ),
    Step.cpu("own", CpuProgram(200, b"", (), (Operand(1, 0, 1024),)), 0, 0),
)


def example() -> Image:
    """Two instances of one network and one network with state, under three tasks."""
    return Image(
        accelerator="ethos-u55-128",
        npu_config=0x1807,
        npu_id=0x10066001,
        npu_hz=50_000_000,
        arena_size=4096,
        policy=Policy.EDF,
        models=(
            model("left", 0),
            model("right", 1024),
            model(
                "stately",
                2048,
                persistent=(
                    PersistentRange(1, 64, 32, 0x80),
                    PersistentRange(2, 0, len(STATE), initial=STATE),
                ),
                operators=OPERATORS,
            ),
        ),
        tasks=(
            Task("listen", 0, 20_000_000, 20_000_000, 0, 1, Overrun.QUEUE, 150_000),
            Task("look", 1, 10_000_000_000, 5_000_000_000, 7, 255, Overrun.ABORT),
            Task("süß", 2, 1, 1),
        ),
        plan=(PlanEntry(2, 900, 1500, 400, 19_000_000), PlanEntry(), PlanEntry(2, 7, 2**40, 3, 4)),
    )


def model(
    name: str,
    arena_offset: int,
    persistent: tuple[PersistentRange, ...] = (),
    operators: tuple[Step, ...] = (),
) -> Model:
    """A network of two segments, and what lies between them, in 1024 bytes of arena."""
    return Model(
        name=name,
        regions=region_slots(
            Region.read_only(WEIGHTS),
            Region.arena(arena_offset, 1024),
            Region.arena(arena_offset + 512, 512),
        ),
        inputs=(Tensor("x", (1, 4, 8), DType.INT8, 0.5, -128, 1, 0, 32),),
        outputs=(
            Tensor("y", (3,), DType.INT16, 0.00390625, 0, 2, 16, 6),
            Tensor("constant", (), DType.FLOAT32, 0.0, 0, 0, 4, 4),
        ),
        steps=(
            Step(f"{name}/0", bytes(range(24)), 600, 900, 0, 5),
            *operators,
            Step(f"{name}/1", b"\xff\xff\x00\x00", 600, 600, 5, 1),
        ),
        arena_offset=arena_offset,
        arena_size=1024,
        persistent=persistent,
    )


_NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


def _u(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


@st.composite
def _tensors(draw: st.DrawFn, region: int, room: int) -> Tensor:
    dtype = draw(st.sampled_from(DType))
    shape = tuple(draw(st.lists(st.integers(1, 3), max_size=fmt.MAX_RANK)))
    size = dtype.size
    for dimension in shape:
        size *= dimension
    if size > room:
        shape, size = (), dtype.size
    return Tensor(
        draw(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)),
        shape,
        dtype,
        draw(st.floats(0, width=32, allow_infinity=False).map(abs)),
        draw(st.integers(-(2**31), 2**31 - 1)),
        region,
        draw(st.integers(0, room - size)),
        size,
    )


@st.composite
def _operands(draw: st.DrawFn, region: int, room: int) -> Operand:
    offset = draw(st.integers(0, room - 1))
    return Operand(region, offset, draw(st.integers(1, room - offset)))


@st.composite
def _operators(draw: st.DrawFn, room: int, blob: int) -> Step:
    """Scratch, if any, at the arena's end; operands before it, and inputs in the weights, too."""
    scratch = 4 * draw(st.integers(0, room // 8))
    below = room - scratch
    inputs = [_operands(1, below)] + ([_operands(0, blob)] if blob else [])
    longest = draw(_u(20))
    steps = draw(st.integers(1, 2**11))
    worst = draw(st.integers(longest, longest * steps))
    program = CpuProgram(
        draw(_u(16)),
        draw(st.binary(max_size=20)),
        tuple(draw(st.lists(st.one_of(inputs), max_size=3))),
        tuple(draw(st.lists(_operands(1, below), max_size=2))),
        Operand(1, below, scratch) if scratch else None,
        longest,
        steps,
        draw(st.booleans()),
    )
    return Step.cpu(draw(_NAMES), program, draw(st.integers(0, worst)), worst)


@st.composite
def _persistent(draw: st.DrawFn) -> PersistentRange:
    size = draw(st.integers(1, 32))
    initial = draw(st.one_of(st.just(b""), st.binary(min_size=size, max_size=size)))
    return PersistentRange(1, draw(st.integers(0, 32)), size, draw(_u(8)), initial)


@st.composite
def _models(draw: st.DrawFn, name: str, arena_offset: int, blobs: list[bytes]) -> Model:
    size = 16 * draw(st.integers(4, 60))
    steps = st.builds(
        lambda name, words, low, more, first, n: Step(
            name, struct.pack(f"<{len(words)}I", *words), low, low + more, first, n
        ),
        _NAMES,
        st.lists(_u(32), min_size=1, max_size=9),
        _u(31),
        _u(31),
        _u(32),
        _u(32),
    )
    blob = draw(st.sampled_from(blobs))
    steps = st.one_of(steps, _operators(size, len(blob)))
    return Model(
        name=name,
        regions=region_slots(Region.read_only(blob), Region.arena(arena_offset, size)),
        inputs=tuple(draw(st.lists(_tensors(1, size), max_size=2))),
        outputs=tuple(draw(st.lists(_tensors(1, size), max_size=2))),
        steps=tuple(draw(st.lists(steps, min_size=1, max_size=4))),
        arena_offset=arena_offset,
        arena_size=size,
        persistent=tuple(draw(st.lists(_persistent(), max_size=2))),
    )


@st.composite
def images(draw: st.DrawFn) -> Image:
    """Any consistent image of up to three models and three tasks."""
    blobs = draw(st.lists(st.binary(max_size=70), min_size=1, max_size=3))
    names = draw(st.lists(_NAMES, max_size=3, unique=True))
    models = tuple(draw(_models(name, 1024 * i, blobs)) for i, name in enumerate(names))
    task_names = draw(st.lists(_NAMES, max_size=3 if models else 0, unique=True))
    tasks = tuple(
        Task(
            name,
            draw(st.integers(0, len(models) - 1)),
            draw(st.integers(1, 2**64 - 1)),
            draw(st.integers(1, 2**64 - 1)),
            draw(_u(64)),
            draw(_u(8)),
            draw(st.sampled_from(Overrun)),
            draw(_u(32)),
        )
        for name in task_names
    )
    plan = tuple(
        PlanEntry(draw(_u(32)), low := draw(_u(32)), low + draw(_u(63)), draw(_u(64)), draw(_u(64)))
        for _ in tasks
    )
    return Image(
        draw(_NAMES),
        draw(_u(32)),
        draw(_u(32)),
        draw(st.integers(1, 2**32 - 1)),
        1024 * 3 + 16 * draw(_u(16)),
        draw(st.sampled_from(Policy)),
        models,
        tasks,
        plan,
        draw(st.binary(max_size=40)),
    )


def section(data: bytes, kind: fmt.SectionKind) -> Any:
    """Entry of the section table."""
    return fmt.SECTION.parse(data[64 + 32 * (kind - 1) :])


def field_at(data: bytes, kind: fmt.SectionKind, index: int, field: str) -> int:
    """Byte offset of a field of a record."""
    entry = section(data, kind)
    return int(entry.offset + index * entry.record_size) + offset_in(fmt.TABLES[kind], field)


def offset_in(record: Any, field: str) -> int:
    """Byte offset of a field from the start of its record."""
    offset = 0
    for each in record.subcons:
        if each.name == field:
            break
        offset += each.sizeof()
    return offset


def poke(data: bytes, at: int, code: str, value: int) -> bytes:
    """Overwrite one number and make every CRC right again."""
    edited = bytearray(data)
    struct.pack_into(f"<{code}", edited, at, value)
    return fix_crcs(edited)


def fix_crcs(data: bytes) -> bytes:
    """Recompute the CRCs of whatever sections the table names, and of the header."""
    fixed = bytearray(data)
    if len(fixed) < 64:
        return bytes(fixed)
    count = min(struct.unpack_from("<I", fixed, 20)[0], fmt.SECTION_LIMIT)
    end = 64 + 32 * count
    if len(fixed) < end:
        return bytes(fixed)
    for at in range(64, end, 32):
        offset, size = struct.unpack_from("<II", fixed, at + 4)
        if offset >= end:
            crc = binascii.crc32(fixed[offset : offset + size])
            struct.pack_into("<I", fixed, at + 20, crc)
    struct.pack_into("<I", fixed, 12, fmt.header_crc(bytes(fixed[:end])))
    return bytes(fixed)


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    """``original`` with flips, cuts, additions or edited fields, mostly with right CRCs."""
    data = bytearray(original)
    how = draw(
        st.sampled_from(["flip", "truncate", "extend", "header", "table", "word", "byte", "stream"])
    )
    if how == "flip":
        for at in draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=3)):
            data[at] ^= draw(st.integers(1, 255))
        return bytes(data)
    if how == "truncate":
        return bytes(data[: draw(st.integers(0, len(data) - 1))])
    if how == "extend":
        return bytes(data) + draw(st.binary(min_size=1, max_size=40))
    streams = section(original, fmt.SectionKind.STREAMS)
    end = streams.offset + streams.size
    low, high = {
        "header": (8, 64),
        "table": (64, 384),
        "stream": (streams.offset if streams.size else 384, end),
    }.get(how, (384, end))
    for _ in range(draw(st.integers(1, 2))):
        if how == "byte":
            data[draw(st.integers(low, high - 1))] = draw(st.integers(0, 255))
            continue
        at = 4 * draw(st.integers(low // 4, high // 4 - 1))
        old = struct.unpack_from("<I", data, at)[0]
        new = draw(
            st.one_of(
                st.sampled_from([0, 1, 2, 3, 0x7F800000, 0x80000000, 0xFFFFFFFF, len(data)]),
                st.sampled_from([-16, -4, -1, 1, 4, 16]).map(lambda d, old=old: (old + d) % 2**32),
                st.integers(0, 2**32 - 1),
            )
        )
        struct.pack_into("<I", data, at, new)
    if draw(st.booleans()):
        data[8:12] = struct.pack("<HH", 1, draw(st.integers(0, 3)))
    return fix_crcs(data)
