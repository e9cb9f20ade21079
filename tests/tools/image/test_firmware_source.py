# SPDX-License-Identifier: Apache-2.0
"""What the build says when something that it needs is missing or wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocket_lab.image import console
from hocket_tools.image import FirmwareError, build, micropython_source, toolchain


def tree(folder: Path, minor: int) -> Path:
    (folder / "py").mkdir(parents=True)
    (folder / "py" / "mpconfig.h").write_text(
        f"#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR {minor}\n"
    )
    return folder


def test_a_tree_of_one_s_own_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON_DIR", str(tree(tmp_path / "mine", 26)))
    assert micropython_source.locate() == tmp_path / "mine"


def test_a_tree_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROPYTHON_DIR", str(tree(tmp_path, 24)))
    with pytest.raises(FirmwareError, match=r"too old") as error:
        micropython_source.locate()
    assert error.value.found == "1.24"


def test_a_folder_that_is_no_source_tree_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MICROPYTHON_DIR", str(tmp_path))
    with pytest.raises(FirmwareError, match="no MicroPython source tree") as error:
        micropython_source.locate()
    assert error.value.try_ is not None
    assert "MICROPYTHON_DIR" in error.value.try_


def test_an_archive_with_another_hash_is_removed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MICROPYTHON_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    archive = tmp_path / "hocket" / micropython_source.ARCHIVE
    archive.parent.mkdir()
    archive.write_bytes(b"not it")
    with pytest.raises(FirmwareError, match="not what it should be") as error:
        micropython_source.locate()
    assert micropython_source.SHA256 in str(error.value)
    assert not archive.exists()


def test_without_apt_the_way_of_one_s_own_tree_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MICROPYTHON_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FirmwareError, match="no apt") as error:
        micropython_source.locate()
    assert error.value.try_ is not None
    assert "MICROPYTHON_DIR" in error.value.try_


def answer(text: str) -> object:
    def run(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, stdout=text, stderr="")

    return run


@pytest.mark.parametrize(
    ("listed", "mirror"),
    [
        ("a:/sec b-security Debian\na:/deb b Debian\n", "a:/deb"),
        ("c:/cloud cloud-sdk Namespaces\na:/deb b Debian\n", "a:/deb"),
        ("a:/deb b $(ORIGIN)\n", "a:/deb"),
    ],
)
def test_the_archive_is_the_one_that_the_machine_uses(
    listed: str, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("subprocess.run", answer(listed))
    assert micropython_source._mirror() == mirror


def test_another_distribution_s_archive_will_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr("subprocess.run", answer("a:/u noble Ubuntu\n"))
    with pytest.raises(FirmwareError, match="no archive of Debian"):
        micropython_source._mirror()


def test_missing_tools_are_told_with_the_packages_that_bring_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FirmwareError) as error:
        toolchain.require()
    assert error.value.try_ == (
        "apt-get install make gcc gcc-arm-none-eabi binutils-arm-none-eabi libnewlib-arm-none-eabi"
    )


def test_missing_qemu_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FirmwareError, match="QEMU for ARM is not installed"):
        console.run_script(tmp_path / "any.elf", "")


def test_an_unknown_board_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError) as error:
        build("abacus", output=tmp_path)
    assert "corstone300" in str(error.value.expected)


def test_the_command_prints_an_error_without_a_traceback(
    tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    said = hocket("firmware", "build", "--board", "abacus", "--build-dir", tmp_path)
    assert said.code == 2
    assert said.err.lstrip().startswith("error: ")
