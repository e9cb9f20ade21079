# SPDX-License-Identifier: Apache-2.0
"""What is wrong or missing is named on the command line, with how to mend it."""

import importlib.util
import struct
import subprocess

import pytest

from hocket_tools import cli
from paths import ROOT
from rigs.needs import BACK_ENDS, GCC

PLATFORM = ROOT / "renode" / "corstone300.repl"


@pytest.fixture
def refused(monkeypatch, capsys):
    """A function that runs `hocket emulate`, and gives what it says as it refuses."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["hocket", "emulate", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        said = capsys.readouterr().err
        assert stopped.value.code == 2, said
        assert "found:" in said
        assert "expected:" in said
        return said.partition("try:")[0], said.partition("try:")[2]

    return run


@pytest.fixture(params=BACK_ENDS)
def back_end(request):
    return request.param


def header(bits, machine, kind=2):
    """The beginning of an ELF file with neither segments nor sections."""
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    return (ident + struct.pack("<HHI", kind, machine, 1)).ljust(64, b"\0")


def arm(tmp_path, *flags):
    source = tmp_path / "program.c"
    source.write_text("int main(void) { return 0; }\n")
    out = tmp_path / "program.elf"
    command = [GCC, "-mthumb", "-nostdlib", "-Wl,-emain", *flags, source, "-o", out]
    subprocess.run(command, check=True, capture_output=True)
    return out


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "an empty file"),
        (b":10000000", "not an ELF file"),
        (header(64, 62), "X86-64, 64 bits"),
        (header(32, 3), "Intel 80386, 32 bits"),
        (header(64, 183), "AArch64"),
        (header(32, 40)[:40], "no whole header"),
        (header(32, 40, kind=1), "an object file"),
    ],
)
def test_a_file_that_is_no_image_for_the_board(refused, back_end, tmp_path, data, said):
    file = tmp_path / "wrong.elf"
    file.write_bytes(data)
    told, advice = refused(file, "--backend", back_end)
    assert said in told
    assert any(way in advice for way in ("make firmware", ".elf file", "build it", "link it"))


@pytest.mark.needs("gcc-arm")
@pytest.mark.parametrize("share", [10, 50, 90])
def test_an_image_cut_short(refused, back_end, tmp_path, share):
    file = arm(tmp_path, "-mcpu=cortex-m33")
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * share // 100])
    told, advice = refused(file, "--backend", back_end)
    assert "damaged" in told
    assert "build it again" in advice


@pytest.mark.needs("gcc-arm", "unicorn")
def test_an_image_for_vector_instructions_is_for_another_emulator(refused, tmp_path):
    file = arm(tmp_path, "-mcpu=cortex-m55", "-mfloat-abi=hard")
    told, advice = refused(file)
    assert "cortex-m55, with vector instructions (MVE)" in told
    assert "--backend qemu" in advice
    assert "-mcpu=cortex-m33" in advice


def test_a_platform_with_an_unknown_peripheral(refused, back_end, tmp_path):
    file = tmp_path / "mine.repl"
    file.write_text(PLATFORM.read_text().replace("UART.CMSDK_APB_UART", "UART.PL011"))
    image = tmp_path / "any.elf"
    image.write_bytes(b"")
    told, advice = refused(image, "--platform", file, "--backend", back_end)
    assert "mine.repl:" in told
    assert "UART.PL011" in told
    assert "UART.CMSDK_APB_UART" in told
    assert "Renode" in advice


def test_a_folder_in_place_of_an_image(refused, tmp_path):
    told, advice = refused(tmp_path)
    assert "a folder" in told
    assert "make firmware" in advice


# What is not installed --------------------------------------------------------------------------


@pytest.fixture
def without_unicorn(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "unicorn" else real(name)
    )


@pytest.fixture
def without_programs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def image(tmp_path):
    file = tmp_path / "any.elf"
    file.write_bytes(b"")
    return file


def test_without_unicorn(refused, without_unicorn, tmp_path):
    told, advice = refused(image(tmp_path))
    assert "no Unicorn" in told
    assert "pip install 'hocket[emulator]'" in advice


def test_without_unicorn_dispatch_is_not_measured(
    without_unicorn, without_programs, tmp_path, hocket
):
    said = hocket("lab", "dispatch", "--firmware", image(tmp_path))
    assert said.code == 2
    assert "pip install 'hocket[emulator]'" in said.err


def test_without_qemu(refused, without_programs, tmp_path):
    told, advice = refused(image(tmp_path), "--backend", "qemu")
    assert "no qemu-system-arm and no arm-none-eabi-gcc on the path" in told
    assert "apt-get install qemu-system-arm gcc-arm-none-eabi" in advice


def test_without_renode(refused, without_programs, tmp_path):
    told, advice = refused(image(tmp_path), "--backend", "renode")
    assert "no Renode" in told
    assert "renode-run" in advice


@pytest.mark.needs("qemu")
def test_another_emulator_that_is_here_is_offered(refused, without_unicorn, tmp_path):
    _, advice = refused(image(tmp_path))
    assert "--backend qemu" in advice


def test_without_a_toolchain_no_image_is_built(without_programs, tmp_path, hocket):
    said = hocket("firmware", "build", "--build-dir", tmp_path / "out")
    assert said.code == 2
    assert "found:    nothing from make, gcc, gcc-arm-none-eabi" in said.err
    assert "apt-get install make gcc gcc-arm-none-eabi" in said.err
