# SPDX-License-Identifier: Apache-2.0
"""What the host's reader says of containers that must be refused."""

import dataclasses
import re
import struct

import pytest
from images import example, field_at, fix_crcs, poke, section

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
    for kind, field in ((SectionKind.REGIONS, "offset"), (SectionKind.STEPS, "stream_offset")):
        for index in range(section(bytes(data), kind).count):
            at = field_at(bytes(data), kind, index, field)
            is_container_offset = kind == SectionKind.STEPS or data[at + 8] == 1
            if is_container_offset:
                struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] + 32)
    return fix_crcs(data)


def in_record(kind, field, value, code="I", index=0):
    return poke(DATA, field_at(DATA, kind, index, field), code, value)


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
    "an unknown section": (with_extra_section(0), "number of sections"),
    "accelerator name": (poke(DATA, 40, "I", 0xFFFFFFFF), "string outside"),
    "string length": (poke(DATA, STRING_AT + 2, "H", 0xFFFF), "ends outside"),
    "string not UTF-8": (poke(DATA, NAME_AT, "B", 0xFF), "UTF-8"),
    "string overlong": (poke(DATA, NAME_AT, "H", 0x80C0), "UTF-8"),
    "control in a string": (poke(DATA, NAME_AT, "B", 0x1B), "control"),
    "model flags": (in_record(SectionKind.MODELS, "flags", 2), "flags"),
    "model regions": (in_record(SectionKind.MODELS, "first_region", 1), "regions"),
    "model tensors": (in_record(SectionKind.MODELS, "inputs", 0xFFFFFFFF), "tensors"),
    "model steps": (in_record(SectionKind.MODELS, "steps", 3), "steps"),
    "steps of no model": (in_record(SectionKind.MODELS, "steps", 1, index=2), "no model owns"),
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
    "CPU step": (in_record(SectionKind.STEPS, "kind", 1, "B"), "cannot run"),
    "step reserved": (in_record(SectionKind.STEPS, "kind", 0x100, "H"), "reserved"),
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
    assert read(with_extra_section(1)) == example()


def test_a_newer_minor_version_may_use_reserved_bytes():
    assert read(poke(poke(DATA, 10, "H", 1), 50, "B", 1)) == example()


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
