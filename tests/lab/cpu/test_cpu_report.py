# SPDX-License-Identifier: Apache-2.0
"""The report of operators: platforms that cannot run are named, estimates that are too low fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hocket_lab.cpu import report


def figures(**arm: Any) -> dict[str, Any]:
    return {"mismatches": 0, "platforms": {"cpython": {"mismatches": 0}, "arm": arm}}


def test_estimates_that_hold_are_no_failure() -> None:
    assert not report.failed(figures(underestimated_steps=[], underestimated_inferences=[]))


@pytest.mark.parametrize("what", ["underestimated_steps", "underestimated_inferences"])
def test_estimate_that_is_too_low_is_a_failure(what: str) -> None:
    assert report.failed(figures(**{what: ["relu-int8-plain/table"]}))


def test_result_that_differs_is_a_failure() -> None:
    assert report.failed({"mismatches": 1, "platforms": {}})


def test_arm_is_listed_as_not_run_where_there_is_no_image(
    tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    output = tmp_path / "operators.json"
    words = ("--cases", "relu6-int8", "--firmware", "none.elf", "--output", output)
    said = hocket("lab", "operators", *words)
    assert said.code == 0
    written = json.loads(output.read_text())
    assert set(written["not_run"]) == {"arm"}
    assert set(written["platforms"]) == {"cpython", "micropython"}
    assert "not run: no firmware image none.elf" in said.out


def test_arm_must_be_there_if_it_was_asked_for(hocket: Callable[..., Any]) -> None:
    said = hocket("lab", "operators", "--platform", "arm", "--firmware", "none.elf")
    assert said.code == 2
    assert "make firmware" in said.err


def test_no_case_with_such_an_id_is_an_error(hocket: Callable[..., Any]) -> None:
    said = hocket("lab", "operators", "--platform", "cpython", "--cases", "no such case")
    assert said.code == 2
    assert "no case was compared" in said.err
