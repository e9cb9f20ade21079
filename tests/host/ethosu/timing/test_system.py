# SPDX-License-Identifier: Apache-2.0
"""System configurations read from vela.ini text."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.timing.system_config import (
    MemoryTiming,
    SystemConfigError,
    parse_system_config,
)
from rigs.vela_streams import INI

U55 = npu_config("ethos-u55-128")
U65 = npu_config("ethos-u65-256")

SMALL = """
[System_Config.Base]
core_clock=100e6
axi0_port=Sram
axi1_port=OffChipFlash
Sram_clock_scale=1.0
OffChipFlash_clock_scale=0.1
[System_Config.Fast]
inherit=System_Config.Base
core_clock=200e6
[Memory_Mode.Split]
const_mem_area=Axi1
arena_mem_area=Axi0
cache_mem_area=Axi0
"""


def test_velas_own_defaults_are_the_defaults():
    found = parse_system_config(INI, U55)
    assert (found.name, found.memory_mode) == ("Ethos_U55_High_End_Embedded", "Shared_Sram")
    found = parse_system_config(INI, U65)
    assert (found.name, found.memory_mode) == ("Ethos_U65_Client_Server", "Dedicated_Sram_384KB")


def test_high_end_embedded_reads_flash_at_one_byte_a_cycle():
    found = parse_system_config(INI, U55)
    assert found.clock_hz == 500_000_000
    assert found.const == MemoryTiming("OffChipFlash", Fraction(1), 128, 64, 0, 2, 0)
    assert found.arena == MemoryTiming("Sram", Fraction(8), 32, 32, 32, 4, 4)


def test_ports_of_the_u65_are_twice_as_wide():
    assert parse_system_config(SMALL, U65, system_config="Base", memory_mode="Split").arena == (
        MemoryTiming("Sram", Fraction(16), 1, 0, 0, 1, 1)
    )


def test_regions_lead_to_the_memories_of_the_mode():
    found = parse_system_config(INI, U65)
    assert [found.region(n).name for n in range(4)] == ["Dram", "Dram", "Sram", "Dram"]
    assert found.arena_cache_size == 393216


def test_bandwidth_is_exact():
    found = parse_system_config(SMALL, U55, system_config="Base", memory_mode="Split")
    assert found.const.bandwidth == Fraction(4, 5)
    assert found.const.transfer_cycles(4) == 5


def test_inherited_options_are_overridden_by_the_heir():
    found = parse_system_config(SMALL, U55, system_config="Fast", memory_mode="Split")
    assert found.clock_hz == 200_000_000
    assert found.const.name == "OffChipFlash"


def test_the_clock_can_be_overridden():
    assert parse_system_config(INI, U55, clock_hz=50_000_000).clock_hz == 50_000_000
    assert parse_system_config(INI, U55).with_clock(7).clock_hz == 7


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"system_config": "Nonesuch"}, "Base, Fast"),
        ({"system_config": "Base", "memory_mode": "Nonesuch"}, "Split"),
    ],
)
def test_unknown_names_list_the_valid_ones(names, expected):
    with pytest.raises(SystemConfigError) as caught:
        parse_system_config(SMALL, U55, **names)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("axi0_port=Sram", "axi0_port=Tape"),
        ("axi0_port=Sram", ""),
        ("core_clock=100e6", "core_clock=fast"),
        ("core_clock=100e6", "core_clock=0"),
        ("Sram_clock_scale=1.0", "Sram_clock_scale=0"),
        ("Sram_clock_scale=1.0", "Sram_clock_scale=-1"),
        ("const_mem_area=Axi1", "const_mem_area=Axi7"),
        ("core_clock=100e6", "inherit=System_Config.Fast"),
        ("[Memory_Mode.Split]", "Memory_Mode"),
    ],
)
def test_wrong_texts_are_named_with_their_place(old, new):
    text = SMALL.replace(old, new, 1)
    name = "Fast" if "inherit" in new else "Base"
    with pytest.raises(SystemConfigError):
        parse_system_config(text, U55, system_config=name, memory_mode="Split")


@given(st.text())
def test_any_text_is_read_or_refused(text):
    with pytest.raises(SystemConfigError):
        parse_system_config(text, U55)


@given(st.integers(0, 1 << 24), st.integers(1, 64), st.integers(1, 512), st.booleans())
def test_exposed_latency_never_shortens_a_transfer(size, numerator, burst, write):
    memory = MemoryTiming("m", Fraction(numerator, 16), burst, 60, 30, 4, 0)
    assert memory.worst_cycles(size, write=write) >= memory.transfer_cycles(size)
