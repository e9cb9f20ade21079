# SPDX-License-Identifier: Apache-2.0
"""What the host's reader says of containers that must be refused."""

import dataclasses
import re
import struct

import pytest
from images import example, field_at, fix_crcs, offset_in, poke, section

from hocket_tools.container import ContainerError, Model, Step, build, read, region_slots
from hocket_tools.container import format as fmt
from hocket_tools.container.format import SectionKind

DATA = build(example())


def swapped(width):
    return b"".join(DATA[i : i + width][::-1] for i in range(0, len(DATA), width))


def with_extra_section(minor):
    """A section of a kind that this version does not know, after the others."""
    count = len(SectionKind)
    table = bytearray(DATA[: 64 + 32 * count] + bytes(32))
    for at in range(64, 64 + 32 * count, 32):
        struct.pack_into("<I", table, at + 4, struct.unpack_from("<I", table, at + 4)[0] + 32)
    struct.pack_into("<IIIII", table, 64 + 32 * count, 99, len(DATA) + 32, 16, 16, 1)
    struct.pack_into("<HH", table, 8, 1, minor)
    struct.pack_into("<II", table, 16, len(DATA) + 48, count + 1)
    data = bytearray(table + DATA[64 + 32 * count :] + b"0123456789abcdef")
    for kind, field in (
        (SectionKind.REGIONS, "offset"),
        (SectionKind.STEPS, "stream_offset"),
        (SectionKind.PERSISTENT, "initial"),
    ):
        for index in range(section(bytes(data), kind).count):
            at = field_at(bytes(data), kind, index, field)
            absent = kind == SectionKind.PERSISTENT and not any(data[at : at + 4])
            in_arena = kind == SectionKind.REGIONS and data[at + 8] != 1
            if not absent and not in_arena:
                struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + 32)
    return fix_crcs(data)


def in_record(kind, field, value, code="I", index=0):
    return poke(DATA, field_at(DATA, kind, index, field), code, value)


def in_program(field, value, code="I"):
    return poke(DATA, PROGRAM_AT + offset_in(fmt.CPU_PROGRAM, field), code, value)


def in_operand(index, field, value):
    at = PROGRAM_AT + fmt.CPU_PROGRAM.sizeof() + index * fmt.OPERAND.sizeof()
    return poke(DATA, at + offset_in(fmt.OPERAND, field), "I", value)


#: Step 5 is the first of the processor.
PROGRAM_FIELD_AT = field_at(DATA, SectionKind.STEPS, 5, "stream_offset")
PROGRAM_AT = int.from_bytes(DATA[PROGRAM_FIELD_AT : PROGRAM_FIELD_AT + 4], "little")
DATA_END = section(DATA, SectionKind.DATA).offset + section(DATA, SectionKind.DATA).size
STRING_AT = section(DATA, SectionKind.STRINGS).offset
NAME_AT = STRING_AT + 4  # the first name's text: after the empty string and a length

REFUSED = {
    "empty": (b"", "truncated"),
    "cut inside the magic": (DATA[:5], "truncated"),
    "cut inside the header": (DATA[:40], "truncated"),
    "cut inside the section table": (DATA[:100], "truncated"),
    "cut inside a section": (DATA[:-16], "truncated"),
    "another file": (b"TFL3" + bytes(100), "not a container"),
    "16-bit swapped": (swapped(2), "byte-swapped"),
    "32-bit swapped": (swapped(4), "byte-swapped"),
    "64-bit swapped": (swapped(8), "byte-swapped"),
    "line ends to LF": (DATA.replace(b"\r\n", b"\n"), "text-mode"),
    "line ends to CR LF": (DATA.replace(b"\n", b"\r\n"), "text-mode"),
    "7-bit copy": (bytes(byte & 0x7F for byte in DATA), "text-mode"),
    "big-endian numbers": (poke(DATA, 8, "H", 0x0100), "big-endian"),
    "newer major version": (poke(DATA, 8, "H", 2), "major version"),
    "trailing bytes": (DATA + b"\0", "after the container's end"),
    "the first version's records": (poke(DATA, 10, "H", 0), "fill"),
    "no sections": (poke(DATA, 20, "I", 0), "number of sections"),
    "corrupt header": (DATA[:24] + b"\0" + DATA[25:], "header is corrupt"),
    "corrupt section": (DATA[:-100] + bytes([DATA[-100] ^ 1]) + DATA[-99:], "section is corrupt"),
    "policy": (poke(DATA, 44, "B", 9), "policy"),
    "reserved header byte": (poke(DATA, 50, "B", 1), "reserved"),
    "swapped sections": (poke(DATA, 64, "I", 2), "out of order"),
    "overlapping section": (poke(DATA, 100, "I", 384), "overlaps"),
    "misaligned section": (poke(DATA, 72, "I", 143), "not aligned"),
    "endless section": (poke(DATA, 72, "I", 0xFFFFFFF0), "outside the container"),
    "other record size": (poke(DATA, 76, "I", 44), "fill"),
    "other count": (poke(DATA, 80, "I", 0xFFFFFFFF), "fill"),
    "an unknown section": (with_extra_section(1), "number of sections"),
    "accelerator name": (poke(DATA, 40, "I", 0xFFFFFFFF), "string outside"),
    "string length": (poke(DATA, STRING_AT + 2, "H", 0xFFFF), "ends outside"),
    "string not UTF-8": (poke(DATA, NAME_AT, "B", 0xFF), "UTF-8"),
    "string overlong": (poke(DATA, NAME_AT, "H", 0x80C0), "UTF-8"),
    "control in a string": (poke(DATA, NAME_AT, "B", 0x1B), "control"),
    "model flags": (in_record(SectionKind.MODELS, "flags", 2), "flags"),
    "model regions": (in_record(SectionKind.MODELS, "first_region", 1), "regions"),
    "model tensors": (in_record(SectionKind.MODELS, "inputs", 0xFFFFFFFF), "tensors"),
    "model steps": (in_record(SectionKind.MODELS, "steps", 3), "steps"),
    "steps of no model": (in_record(SectionKind.MODELS, "steps", 3, index=2), "no model owns"),
    "model arena": (in_record(SectionKind.MODELS, "arena_size", 0xFFFFFFF0), "does not fit"),
    "region kind": (in_record(SectionKind.REGIONS, "kind", 3, "B"), "kind of region"),
    "region offset": (in_record(SectionKind.REGIONS, "offset", 0xFFFFFFF0), "out of bounds"),
    "region in the header": (in_record(SectionKind.REGIONS, "offset", 0), "out of bounds"),
    "tensor dtype": (in_record(SectionKind.TENSORS, "dtype", 10, "B"), "dtype"),
    "tensor rank": (in_record(SectionKind.TENSORS, "rank", 7, "B"), "dimensions"),
    "tensor offset": (in_record(SectionKind.TENSORS, "offset", 0xFFFFFFFF), "its region"),
    "stream size": (in_record(SectionKind.STEPS, "stream_size", 6), "impossible place"),
    "stream offset": (in_record(SectionKind.STEPS, "stream_offset", 8), "impossible place"),
    "stream in the header": (in_record(SectionKind.STEPS, "stream_offset", 0), "outside"),
    "kind of step": (in_record(SectionKind.STEPS, "kind", 2, "B"), "unknown kind"),
    "stream as a program": (in_record(SectionKind.STEPS, "kind", 1, "B"), "program cut short"),
    "step reserved": (in_record(SectionKind.STEPS, "kind", 0x100, "H"), "reserved"),
    "program size": (in_program("params_size", 8), "wrong size"),
    "program operands": (in_program("inputs", 255, "B"), "wrong size"),
    "program flags": (in_program("flags", 2, "B"), "unknown flags"),
    "program reserved": (in_program("reserved", 1, "B"), "reserved"),
    "program of no CPU steps": (in_program("steps", 0), "CPU steps"),
    "program of too few CPU steps": (in_program("steps", 2), "CPU steps"),
    "program of long CPU steps": (in_program("step_cycles", 1301), "CPU steps"),
    "scratch in weights": (in_program("scratch_region", 0), "scratch"),
    "scratch past its region": (in_program("scratch_offset", 988), "scratch"),
    "scratch too long": (in_program("scratch_size", 0xFFFFFFFF), "scratch"),
    "scratch in no region": (in_program("scratch_region", 8), "scratch"),
    "scratch of odd address": (in_program("scratch_offset", 130), "aligned"),
    "scratch over an input": (in_program("scratch_offset", 28), "operand"),
    "scratch over an output of another region": (in_program("scratch_offset", 576), "operand"),
    "scratch without bytes": (in_program("scratch_size", 0), "scratch"),
    "input in no region": (in_operand(0, "region", 8), "an input"),
    "input in an unused region": (in_operand(0, "region", 3), "an input"),
    "input past its region": (in_operand(1, "offset", 101), "an input"),
    "input without bytes": (in_operand(1, "size", 0), "an input"),
    "output in weights": (in_operand(2, "region", 0), "an output"),
    "output past its region": (in_operand(2, "size", 413), "an output"),
    "initial state in the header": (
        in_record(SectionKind.PERSISTENT, "initial", 4, index=1),
        "initial",
    ),
    "initial state past the data": (
        in_record(SectionKind.PERSISTENT, "initial", DATA_END - 16, index=1),
        "initial",
    ),
    "state of another model": (in_record(SectionKind.PERSISTENT, "model", 1), "persistent"),
    "task overrun": (in_record(SectionKind.TASKS, "overrun", 3, "B"), "overrun"),
    "task model": (in_record(SectionKind.TASKS, "model", 3), "no model"),
}


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED)
def test_a_damaged_container_is_refused_and_said_where(data, said):
    with pytest.raises(ContainerError, match=re.escape(said)) as caught:
        read(data)
    error = caught.value
    assert re.fullmatch(r"byte \d+ \(.+\)", error.where)
    assert error.found is not None
    assert error.expected is not None
    assert error.try_


def test_a_newer_minor_version_may_bring_sections_of_its_own():
    assert read(with_extra_section(2)) == example()


def test_a_newer_minor_version_may_use_reserved_bytes():
    assert read(poke(poke(DATA, 10, "H", 2), 50, "B", 1)) == example()


def as_version_1_0(data):
    """The container as the format's first version has it: records of state end earlier."""
    shorter = fmt.RECORD_SIZES_1_0[SectionKind.PERSISTENT]
    state = section(data, SectionKind.PERSISTENT)
    records = b"".join(
        data[at : at + shorter]
        for at in range(
            state.offset, state.offset + state.count * state.record_size, state.record_size
        )
    )
    padded = records + bytes(-len(records) % 16)
    moved = state.size - len(padded)
    cut = data[: state.offset] + padded + data[state.offset + state.size :]
    older = bytearray(cut)
    struct.pack_into("<H", older, 10, 0)
    struct.pack_into("<I", older, 16, len(older))
    entry = 64 + 32 * (SectionKind.PERSISTENT - 1)
    struct.pack_into("<II", older, entry + 8, len(padded), shorter)
    for at in range(entry + 32, 64 + 32 * len(SectionKind), 32):
        struct.pack_into("<I", older, at + 4, struct.unpack_from("<I", older, at + 4)[0] - moved)
    for kind, field in ((SectionKind.REGIONS, "offset"), (SectionKind.STEPS, "stream_offset")):
        for index in range(section(bytes(older), kind).count):
            at = field_at(bytes(older), kind, index, field)
            if kind == SectionKind.STEPS or older[at + 8] == 1:
                struct.pack_into("<I", older, at, struct.unpack_from("<I", older, at)[0] - moved)
    return fix_crcs(older)


def test_a_container_of_the_first_version_is_read_with_its_fill_bytes():
    image = example()
    *others, stately = image.models
    filled = tuple(dataclasses.replace(held, initial=b"") for held in stately.persistent)
    held = dataclasses.replace(stately, persistent=filled)
    expected = dataclasses.replace(image, models=(*others, held))
    assert read(as_version_1_0(build(expected))) == expected


def test_records_of_the_first_version_are_refused_in_a_later_one():
    data = poke(as_version_1_0(DATA), 10, "H", 1)
    with pytest.raises(ContainerError, match="fill"):
        read(data)


def test_another_accelerator_is_refused():
    with pytest.raises(ContainerError, match="another accelerator") as caught:
        read(DATA, expect_accelerator="ethos-u55-256")
    assert caught.value.found == "ethos-u55-128"
    assert caught.value.expected == "ethos-u55-256"


def test_the_expected_accelerator_is_accepted():
    assert read(DATA, expect_accelerator="ethos-u55-128") == example()


def test_every_single_byte_lies_under_a_check():
    for at in range(0, len(DATA), 7):
        damaged = bytearray(DATA)
        damaged[at] ^= 0x10
        with pytest.raises(ContainerError):
            read(bytes(damaged))


def test_any_bytes_like_object_can_be_read():
    assert read(bytearray(DATA)) == read(memoryview(DATA)) == example()


@pytest.mark.parametrize("count", [fmt.MODEL_LIMIT, fmt.MODEL_LIMIT + 1])
def test_the_number_of_models_is_limited(count):
    models = tuple(
        Model(f"m{i}", region_slots(), (), (), (Step("", bytes(4), 0, 0, 0, 0),), 0, 0)
        for i in range(count)
    )
    image = dataclasses.replace(example(), models=models, tasks=(), plan=())
    if count <= fmt.MODEL_LIMIT:
        assert read(build(image)) == image
    else:
        with pytest.raises(ContainerError, match="too many"):
            build(image)
