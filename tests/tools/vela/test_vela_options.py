# SPDX-License-Identifier: Apache-2.0
import pytest

from hocket_tools.vela import VelaError, VelaOptions
from hocket_tools.vela.options import resolve, vela_ini


def test_defaults_are_velas_own_for_each_product():
    u55 = resolve(VelaOptions("ethos-u55-128"))
    assert (u55.system_config, u55.memory_mode) == ("Ethos_U55_High_End_Embedded", "Shared_Sram")
    u65 = resolve(VelaOptions("ethos-u65-256"))
    assert (u65.system_config, u65.memory_mode) == (
        "Ethos_U65_Client_Server",
        "Dedicated_Sram_384KB",
    )


def test_arena_cache_size_is_inherited_from_the_memory_mode():
    assert resolve(VelaOptions("ethos-u65-256")).arena_cache_size == 384 << 10


def test_arena_cache_size_given_wins_over_the_memory_mode():
    assert resolve(VelaOptions("ethos-u65-256", arena_cache_size=4096)).arena_cache_size == 4096


@pytest.mark.parametrize(
    ("options", "listed"),
    [
        (VelaOptions("ethos-u99"), "ethos-u55-128"),
        (VelaOptions(system_config="Nope"), "Ethos_U55_Deep_Embedded"),
        (VelaOptions(memory_mode="Nope"), "Sram_Only"),
        (VelaOptions(optimise="Speed"), "Performance or Size"),
        (VelaOptions(arena_cache_size=0), "1 to"),
    ],
)
def test_an_unknown_name_is_refused_with_the_valid_ones(options, listed):
    with pytest.raises(VelaError) as error:
        resolve(options)
    assert listed in str(error.value)


def test_a_memory_mode_that_the_system_cannot_serve_is_refused():
    with pytest.raises(VelaError, match="does not fit"):
        resolve(VelaOptions("ethos-u55-128", memory_mode="Dedicated_Sram"))


def test_configuration_files_of_the_user_are_read(tmp_path):
    text = vela_ini().read_text(encoding="utf-8")
    path = tmp_path / "board.ini"
    path.write_text(text.replace("Ethos_U55_Deep_Embedded", "My_Board"), encoding="utf-8")
    found = resolve(VelaOptions(system_config="My_Board", config=(str(path),)))
    assert found.system_config == "My_Board"


def test_a_section_that_inherits_from_itself_is_refused(tmp_path):
    path = tmp_path / "loop.ini"
    text = vela_ini().read_text(encoding="utf-8")
    path.write_text(text + "\n[Memory_Mode.Loop]\ninherit=Memory_Mode.Loop\n", encoding="utf-8")
    with pytest.raises(VelaError, match="inherits from itself"):
        resolve(VelaOptions(memory_mode="Loop", config=(str(path),)))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"no section here"])
def test_a_broken_configuration_file_is_refused(tmp_path, content):
    path = tmp_path / "broken.ini"
    path.write_bytes(content)
    with pytest.raises(VelaError, match="configuration file cannot be"):
        resolve(VelaOptions(config=(str(path),)))
