# SPDX-License-Identifier: Apache-2.0
"""An image is current as long as what it is made of has the same contents."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

module = importlib.import_module("hocket_tools.image.build")


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Sources, and the folder of an image that was built of them."""
    sources, output = tmp_path / "firmware", tmp_path / "build"
    (sources / "hocket").mkdir(parents=True)
    (sources / "hocket" / "kernel.py").write_text("a = 1\n")
    (sources / "Makefile").write_text("all:\n")
    (sources / "README.md").write_text("words\n")
    monkeypatch.setattr(module, "FIRMWARE", sources)
    assert not module.is_current(output)
    (output / module.BOARD).mkdir(parents=True)
    module._stamp(output, module.BOARD).write_text(module._sources())
    return sources, output


def test_the_same_contents_at_another_time_are_current(built: tuple[Path, Path]) -> None:
    sources, output = built
    file = sources / "hocket" / "kernel.py"
    file.write_text(file.read_text())
    (sources / "README.md").write_text("other words\n")
    assert module.is_current(output)


@pytest.mark.parametrize("name", ["hocket/kernel.py", "Makefile", "hocket/new.c"])
def test_another_source_makes_it_stale(built: tuple[Path, Path], name: str) -> None:
    sources, output = built
    (sources / name).write_text("b = 1\n")
    assert not module.is_current(output)


def test_a_source_under_another_name_makes_it_stale(built: tuple[Path, Path]) -> None:
    sources, output = built
    (sources / "hocket" / "kernel.py").rename(sources / "hocket" / "core.py")
    assert not module.is_current(output)
