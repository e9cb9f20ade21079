# SPDX-License-Identifier: Apache-2.0
"""Mutants of a small checkout, tried by its own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hocket_lab.mutants.campaign import BrokenError, Campaign
from hocket_lab.mutants.rooms import ROOMS, Room, RoomError, chosen
from paths import ROOT

SOURCE = "def sign(a):\n    if a < 0:\n        return -1\n    return 1\n"
TESTS = """\
from signs import sign

def test_above():
    assert sign(5) == 1

def test_below():
    assert sign(-2) == -1
"""
JUDGED = """\
[[equivalent]]
file = "tools/signs.py"
before = "if a < 0:"
after = "if a <= 0:"
why = "an example"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for part in ("firmware", "host", "tools", "tests", "renode"):
        (tmp_path / part).mkdir()
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "tools" / "signs.py").write_text(SOURCE)
    (tmp_path / "tests" / "test_signs.py").write_text(TESTS)
    (tmp_path / "tests" / "mutants.toml").write_text(JUDGED)
    return tmp_path


def campaign(checkout: Path) -> Campaign:
    room = Room("signs", ("tools/*.py",), ("tests/test_*.py",))
    return Campaign(checkout, [room], None, 1, fresh=False)


def figures(checkout: Path) -> dict[str, Any]:
    tried = campaign(checkout)
    return tried.figures(tried.run(1, None))


def test_mutants_are_killed_or_survive_and_verdicts_are_kept(checkout: Path) -> None:
    found = figures(checkout)
    # Nothing is asked at 0, nor between -2 and 5.
    counts = {"killed": 6, "total": 8, "ratio": 0.75, "equivalent": 1}
    assert {name: found[name] for name in counts} == counts
    assert found["by_room"] == {"signs": counts}
    assert [(told["at"], told["after"]) for told in found["survivors"]] == [
        ("tools/signs.py:2", "if a <= 0:"),
        ("tools/signs.py:2", "if a < 1:"),
    ]
    assert (checkout / "tools" / "signs.py").read_text() == SOURCE
    # Other tests decide anew.
    tests = checkout / "tests" / "test_signs.py"
    tests.write_text(TESTS.replace("sign(5)", "sign(0)"))
    found = figures(checkout)
    assert found["killed"] == 8


def test_tests_that_fail_unbroken_are_an_error(checkout: Path) -> None:
    (checkout / "tools" / "signs.py").write_text(SOURCE.replace("< 0", "> 0"))
    with pytest.raises(BrokenError, match="though nothing is broken"):
        campaign(checkout).run(1, None)


def test_every_room_has_sources_and_tests() -> None:
    for room in ROOMS:
        assert room.source_files(ROOT)
        assert room.test_files(ROOT)


def test_an_unknown_room_is_told_with_those_that_there_are() -> None:
    with pytest.raises(RoomError, match="segment, tile, plan"):
        chosen(["attic"])
