# SPDX-License-Identifier: Apache-2.0
import re
import struct

import pytest

from hocket_tools.container import format as fmt
from hocket_tools.container import layout
from hocket_tools.container.format import SectionKind
from paths import ROOT

LAYOUT_FILE = ROOT / "firmware" / "hocket" / "_layout.py"

STRUCTS = {"HEADER": fmt.HEADER, "SECTION": fmt.SECTION} | {
    kind.name: definition for kind, definition in fmt.TABLES.items()
}
STRUCTS |= {"CPU_PROGRAM": fmt.CPU_PROGRAM, "OPERAND": fmt.OPERAND}


def test_the_generated_constants_are_those_of_the_definition():
    assert LAYOUT_FILE.read_text() == layout.source()


def test_every_generated_name_is_one_that_the_firmware_uses_and_none_is_missing():
    wanted = set()
    for file in LAYOUT_FILE.parent.rglob("*.py"):
        wanted |= set(re.findall(r"\blayout\.([A-Z][A-Z_0-9]*)", file.read_text()))
    assert set(re.findall(r"^([A-Z][A-Z_0-9]*) =", layout.source(), re.MULTILINE)) == wanted


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_format_covers_its_record_exactly(name):
    assert struct.calcsize(layout.struct_format(STRUCTS[name])) == STRUCTS[name].sizeof()


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_format_reads_the_values_that_the_definition_wrote(name):
    size = STRUCTS[name].sizeof()
    data = bytes((7 * i + 3) % 251 for i in range(size))
    parsed = STRUCTS[name].parse(data)
    flat = []
    for field in STRUCTS[name].subcons:
        value = parsed[field.name]
        flat += value if isinstance(value, list) else [value]
    assert list(struct.unpack(layout.struct_format(STRUCTS[name]), data)) == flat


def test_the_stream_place_leads_the_step_record_as_whole_words():
    assert fmt.STEP.sizeof() % 4 == 0
    assert [field.name for field in fmt.STEP.subcons][:2] == ["stream_offset", "stream_size"]


def test_every_section_kind_has_a_record_size():
    assert set(fmt.RECORD_SIZES) == set(SectionKind)


@pytest.mark.parametrize(("size", "aligned"), [(0, 0), (1, 16), (16, 16), (17, 32)])
def test_align_rounds_up_to_sixteen(size, aligned):
    assert fmt.align(size) == aligned
