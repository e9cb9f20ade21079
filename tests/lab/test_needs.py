# SPDX-License-Identifier: Apache-2.0
"""What a command needs is told at once, with how to get each of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_host.missing import Missing
from hocket_lab.needs import NeedError, require


def test_all_that_is_missing_is_told_together(tmp_path: Path) -> None:
    with pytest.raises(NeedError) as error:
        require(
            packages={"no_such_module": "hocket[lab]"},
            programs={"no-such-program": "its-package"},
            all_of={"qemu": Missing("no QEMU", "apt-get install it"), "unicorn": None},
            image=tmp_path / "none.elf",
            models=tmp_path,
        )
    found, tried = str(error.value.found), str(error.value.try_)
    for what in ("no_such_module", "no-such-program", "no QEMU", "none.elf", ".tflite"):
        assert what in found
    for way in ("hocket[lab]", "its-package", "apt-get install it", "make firmware", "--models"):
        assert way in tried


def test_one_of_several_will_do() -> None:
    require(any_of={"unicorn": Missing("no Unicorn", "get it"), "qemu": None})


def test_none_of_several_will_not() -> None:
    with pytest.raises(NeedError, match="missing") as error:
        require(
            any_of={
                "unicorn": Missing("no Unicorn", "get it"),
                "qemu": Missing("no QEMU", "get it"),
            }
        )
    assert error.value.found == "no Unicorn; no QEMU"
    assert error.value.try_ == "get it"


def test_what_is_there_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").touch()
    require(packages={"json": "nothing"}, models=tmp_path, image=tmp_path / "a.tflite")


def test_no_emulator_is_needed_where_none_is_asked_for() -> None:
    require(any_of={}, all_of={})
