# SPDX-License-Identifier: Apache-2.0
import struct
import sys

import pytest
from guest import FLAGS, machine
from hypothesis import given
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
    assert image.attributes[6] == 17
    with pytest.raises(ElfError, match="no such symbol"):
        image.symbol("thrice")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"), ("MVE", "cortex-m33", "QEMU")),
        (("-mcpu=cortex-m55+nomve", "-mthumb", "-mfloat-abi=hard"), ("bundled", "Renode")),
        (("-mcpu=cortex-a7", "-mthumb", "-mfloat-abi=soft"), ("another Arm", "cortex-m33")),
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


def _minimal():
    """A file of one segment, without sections."""
    code = struct.pack("<II", 0x2000_1000, 9) + b"\xfe\xe7"
    header = b"\x7fELF\x01\x01\x01" + bytes(9)
    header += struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 8, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    segment = struct.pack("<IIIIIIII", 1, 84, 0, 0, len(code), len(code), 5, 4)
    return header + segment + code


@given(st.lists(st.tuples(st.integers(0, 83), st.integers(0, 255)), max_size=6), st.integers(0, 94))
def test_any_damage_is_refused_or_harmless(tmp_path_factory, changes, length):
    data = bytearray(_minimal())
    for at, value in changes:
        data[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged.elf"
    path.write_bytes(data[:length])
    try:
        load_elf(path)
    except ElfError as error:
        message = str(error)
    else:
        return
    assert "try:" in message


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
