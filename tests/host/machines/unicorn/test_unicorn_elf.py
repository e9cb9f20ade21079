# SPDX-License-Identifier: Apache-2.0
import struct
import sys
import tracemalloc

import pytest
from guest import FLAGS, machine
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.machines.common import ElfError, MachineError, NpuOptions, load_elf

PROGRAM = "int twice(int x) { return 2 * x; }\nint value = 3;\nint main(void) { return 0; }"


def told(caught, *words):
    error = caught.value
    assert error.found
    assert error.expected
    assert error.try_
    for word in words:
        assert word in str(error)


def test_segments_symbols_and_attributes_are_read(build):
    image = load_elf(build(PROGRAM))
    assert image.symbol("value").size == 4
    address = image.symbol("twice").address
    assert address % 2 == 0
    assert image.locate(address) == "twice"
    assert image.locate(address + 2) == "twice+0x2"
    assert image.locate(0x7000_0000) == "0x70000000"
    assert any(s.executable and s.load_address == 0 for s in image.segments)
    assert image.attributes["TAG_CPU_ARCH"] == 17
    with pytest.raises(ElfError, match="no such symbol"):
        image.symbol("thrice")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"), ("MVE", "cortex-m33", "QEMU")),
        (("-mcpu=cortex-m55+nomve", "-mthumb", "-mfloat-abi=hard"), ("bundled", "Renode")),
        (("-mcpu=cortex-a7", "-mthumb", "-mfloat-abi=soft"), ("another Arm CPU", "cortex-m33")),
    ],
)
def test_an_image_for_another_core_is_refused_with_the_flags_to_use(build, flags, words):
    if "a7" in flags[0]:
        path = build(".text\n.global main\nmain: bx lr\n", flags=flags, suffix=".S")
    else:
        path = build(PROGRAM, flags=flags)
    with pytest.raises(ElfError) as caught:
        load_elf(path)
    told(caught, *words)


def test_an_object_file_is_refused(build):
    with pytest.raises(ElfError, match="not linked") as caught:
        load_elf(build(PROGRAM, link=False))
    told(caught)


def test_what_is_no_elf_for_arm_is_refused(tmp_path):
    with pytest.raises(ElfError, match="cannot be read") as caught:
        load_elf(tmp_path / "no.elf")
    told(caught)
    path = tmp_path / "x.bin"
    for content, message in (
        (b"", "not an ELF"),
        (b"\x00\x01\x02\x03", "not an ELF"),
        (b"\x7fELF", "damaged"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "not for this machine"),
        (
            b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HH", 2, 243) + bytes(32),
            "not for this machine",
        ),
        (b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HH", 2, 40) + bytes(32), "nothing"),
    ):
        path.write_bytes(content)
        with pytest.raises(ElfError, match=message) as caught:
            load_elf(path)
        told(caught)


def test_pythons_own_executable_is_refused():
    if not sys.platform.startswith("linux"):
        pytest.skip("the interpreter is no ELF file here")
    with pytest.raises(ElfError):
        load_elf(sys.executable)


def _sample():
    """A file of one segment, with attributes and symbols."""
    code = struct.pack("<II", 0x2000_1000, 9) + b"\xfe\xe7"
    tags = b"\1" + struct.pack("<I", 14) + b"\5m33\0\6\x11\7M"
    attributes = b"A" + struct.pack("<I", 10 + len(tags)) + b"aeabi\0" + tags
    names = b"\0main\0"
    symbols = bytes(16) + struct.pack("<IIIBBH", 1, 9, 2, 0x12, 0, 1)
    parts = [code, attributes, symbols, names]
    starts = [84 + sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
    header = b"\x7fELF\x01\x01\x01" + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 8, 52, starts[4], 0, 52, 32, 1, 40, 4, 0)
    segment = struct.pack("<IIIIIIII", 1, 84, 0, 0, len(code), len(code), 5, 4)
    sections = bytes(40)
    for kind, index, link in ((0x7000_0003, 1, 0), (2, 2, 3), (3, 3, 0)):
        size = len(parts[index])
        sections += struct.pack("<IIIIIIIIII", 0, kind, 0, 0, starts[index], size, link, 0, 1, 0)
    return header + segment + b"".join(parts) + sections


SAMPLE = _sample()


def test_the_sample_that_is_damaged_is_whole_before(tmp_path):
    path = tmp_path / "sample.elf"
    path.write_bytes(SAMPLE)
    image = load_elf(path)
    assert image.symbol("main").address == 8
    assert image.attributes == {
        "TAG_CPU_NAME": "m33", "TAG_CPU_ARCH": 17, "TAG_CPU_ARCH_PROFILE": ord("M"),
    }  # fmt: skip


VALUES = st.sampled_from((0, 1, 2, 0x7F, 0x80, 0xFF)) | st.integers(0, 255)


@settings(max_examples=400)
@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), VALUES), max_size=8),
    st.just(len(SAMPLE)) | st.integers(0, len(SAMPLE)),
)
def test_any_damage_is_refused_or_harmless(tmp_path_factory, changes, length):
    data = bytearray(SAMPLE)
    for at, value in changes:
        data[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged.elf"
    path.write_bytes(data[:length])
    try:
        image = load_elf(path)
    except ElfError as error:
        message = str(error)
    else:
        assert sum(len(segment.data) for segment in image.segments) <= length
        return
    assert "try:" in message


@pytest.mark.parametrize("kind", ["segments", "symbols", "attributes"])
def test_a_small_file_cannot_ask_for_much(tmp_path, kind):
    """Headers that all point to the whole file would take time and memory in its square."""
    count, body = 20_000, bytes([0x80]) * 2_000_000
    if kind == "segments":
        table = struct.pack("<IIIIIIII", 1, 52, 0, 0, len(body), len(body), 5, 4) * count
        counts = (52 + len(body), 0, 0, 52, 32, count, 40, 0, 0)
    else:
        number = 2 if kind == "symbols" else 0x7000_0003
        segment = struct.pack("<IIIIIIII", 1, 52, 0, 0, 16, 16, 5, 4)
        section = struct.pack("<IIIIIIIIII", 0, number, 0, 0, 52, len(body), 0, 0, 1, 0)
        table = segment + section * count
        counts = (52 + len(body), 52 + len(body) + 32, 0, 52, 32, 1, 40, count, 0)
    head = b"\x7fELF\x01\x01\x01" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 8, *counts)
    path = tmp_path / "greedy.elf"
    path.write_bytes(head + body + table)
    tracemalloc.start()
    with pytest.raises(ElfError, match="damaged"):
        load_elf(path)
    assert tracemalloc.get_traced_memory()[1] < 200 * len(body)
    tracemalloc.stop()


@pytest.mark.needs("unicorn")
def test_a_segment_outside_the_memories_is_refused(build):
    path = build(PROGRAM, flags=(*FLAGS, "-Wl,--section-start=.data=0x30000000"))
    with pytest.raises(MachineError, match="does not fit") as caught:
        machine(path)
    told(caught, "0x30000000", "sram")


@pytest.mark.needs("unicorn")
def test_an_image_without_vectors_is_refused(build):
    path = build(PROGRAM, flags=(*FLAGS, "-Wl,--section-start=.text=0x21000000"))
    with pytest.raises(MachineError, match="no vector table") as caught:
        machine(path)
    told(caught)


@pytest.mark.needs("unicorn")
def test_a_container_larger_than_flash_is_refused(build):
    with pytest.raises(MachineError, match="container does not fit") as caught:
        machine(build(PROGRAM), container=bytes(0x200_0001))
    told(caught, "flash")


@pytest.mark.needs("unicorn")
def test_an_npu_without_its_configuration_is_refused(build):
    with pytest.raises(MachineError, match="not configured"):
        machine(build(PROGRAM), npu=NpuOptions())
