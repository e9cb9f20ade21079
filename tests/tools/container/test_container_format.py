# SPDX-License-Identifier: Apache-2.0
import re
import struct

import pytest

from hocket_lab.generate import layout
from hocket_tools.container import device
from hocket_tools.container import format as fmt
from hocket_tools.container.format import SectionKind
from paths import ROOT

LAYOUT_FILE = ROOT / "firmware" / "hocket" / "_layout.py"

STRUCTS = {"HEADER": fmt.HEADER, "SECTION": fmt.SECTION} | {
    kind.name: definition for kind, definition in fmt.TABLES.items()
}
STRUCTS |= {"CPU_PROGRAM": fmt.CPU_PROGRAM, "OPERAND": fmt.OPERAND}


def test_the_generated_constants_are_those_of_the_definition():
    assert LAYOUT_FILE.read_text() == layout.source()


COPIES = """\
_FIRST = const(7)
_LIMIT = const(9)  # as _layout.SECTION_LIMIT
_OTHER = const(1 << 9)  # as ops.other._SECOND
"""


def test_copies_of_constants_get_the_values_of_the_originals(tmp_path):
    (tmp_path / "_layout.py").write_text(layout.source())
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "other.py").write_text("_SECOND = const(1 << 4)  # (of five)\n")
    user = tmp_path / "user.py"
    user.write_text(COPIES)
    current = COPIES.replace("(9)", f"({fmt.SECTION_LIMIT})").replace("9)", "4)")
    assert device.copied(user, tmp_path) == current
    user.write_text(current)
    assert device.copied(user, tmp_path) == current


def test_a_copy_of_what_is_not_there_is_an_error(tmp_path):
    (tmp_path / "user.py").write_text("_A = const(1)  # as user._B\n")
    with pytest.raises(LookupError, match=r"no constant user\._B"):
        device.copied(tmp_path / "user.py", tmp_path)


def test_copies_of_the_firmware_are_current():
    for file in LAYOUT_FILE.parent.rglob("*.py"):
        assert device.copied(file, LAYOUT_FILE.parent) == file.read_text(), file


def test_masks_and_the_longest_span_are_written_once_or_marked_as_copies():
    found = [
        f"{file.stem}.{line.partition(' ')[0]}"
        for file in sorted(LAYOUT_FILE.parent.rglob("*.py"))
        for line in file.read_text().splitlines()
        if re.search(r"\b0x(3FFFFFFF|20000000|10000000)\b", line) and "  # as " not in line
    ]
    # Of ticks, and of words of parameters.
    assert found == ["operator._M", "operator._S", "port._MASK", "port._HALF", "port._SPAN_US"]


def test_every_generated_name_is_one_that_the_firmware_uses_and_none_is_missing():
    wanted = set()
    for file in LAYOUT_FILE.parent.rglob("*.py"):
        wanted |= set(re.findall(r"\b_?layout\.([A-Z][A-Z_0-9]*)", file.read_text()))
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
