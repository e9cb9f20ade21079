# SPDX-License-Identifier: Apache-2.0
"""The report of operators: platforms that cannot run are named, estimates that are too low fail."""

from __future__ import annotations

import json
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "available", lambda: "no firmware image")
    output = tmp_path / "operators.json"
    assert report.main(["--cases", "relu6-int8", "--output", str(output)]) == 0
    written = json.loads(output.read_text())
    assert written["not_run"] == {"arm": "no firmware image"}
    assert set(written["platforms"]) == {"cpython", "micropython"}
    assert "not run: no firmware image" in capsys.readouterr().out
