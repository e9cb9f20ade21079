# SPDX-License-Identifier: Apache-2.0
"""What a command needs is told at once, with how to get each of it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocket_host.errors import HocketError
from hocket_host.missing import Missing
from hocket_lab.needs import NeedError, choose, require


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


# Before the work --------------------------------------------------------------------------------


def test_the_picture_of_the_experiment_needs_matplotlib_before_anything_is_drawn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *r: None if name == "matplotlib" else real(name, *r),
    )
    monkeypatch.setitem(sys.modules, "hocket_lab.experiment.sweep", None)
    said = hocket("lab", "experiment", "--output", tmp_path / "build" / "experiment.json")
    assert said.code == 2
    assert "pip install 'hocket[lab]'" in said.err


def test_training_needs_its_packages_and_a_network_that_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = hocket("lab", "train", "keyword", "--out", tmp_path / "out")
    assert said.code == 2
    for what in ("no Python package tensorflow", "hocket[zoo]", "apt-get install espeak-ng"):
        assert what in said.err
    assert not (tmp_path / "out").exists()
    said = hocket("lab", "train", "parrot", "--out", tmp_path / "out")
    assert said.code == 2
    assert "keyword, digits, detector, denoiser, samples" in said.err


@pytest.mark.parametrize("command", ["bench", "bounds", "exact", "experiment", "overlap"])
def test_what_measures_models_is_told_that_there_are_none(
    command: str, tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    said = hocket("lab", command, "--models", tmp_path)
    assert said.code == 2
    assert "no .tflite file" in said.err


@pytest.mark.parametrize("command", ["dispatch", "speed"])
def test_what_measures_the_image_is_told_that_there_is_none(
    command: str, hocket: Callable[..., Any]
) -> None:
    said = hocket("lab", command, "--firmware", "none.elf")
    assert said.code == 2
    assert "make firmware" in said.err


# What was asked for, or all ----------------------------------------------------------------------

REASONS = {"unicorn": None, "qemu": Missing("no QEMU", "get it"), "renode": None}


def test_without_a_wish_all_that_is_usable_is_chosen_and_the_rest_has_its_reason() -> None:
    assert choose("--back-end", None, REASONS) == (
        ["unicorn", "renode"],
        {"qemu": "no QEMU: get it"},
    )


def test_what_was_asked_for_alone_is_chosen() -> None:
    assert choose("--back-end", ["renode", "renode"], REASONS) == (["renode"], {})


@pytest.mark.parametrize(("asked", "found"), [("qemu", "no QEMU"), ("bochs", "'bochs'")])
def test_what_was_asked_for_must_exist_and_be_usable(asked: str, found: str) -> None:
    with pytest.raises(HocketError) as error:
        choose("--back-end", ["unicorn", asked], REASONS)
    assert error.value.found == found


def test_something_must_be_usable() -> None:
    with pytest.raises(NeedError):
        choose("--back-end", None, {"qemu": REASONS["qemu"]})
