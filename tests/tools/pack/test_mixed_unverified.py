# SPDX-License-Identifier: Apache-2.0
"""A run that is too short to verify anything says so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from running import application

from hocket_tools.report.summary import render, summary
from hocket_tools.run.run import execute
from paths import MODELS


@pytest.mark.parametrize(("duration_ns", "said"), [(1, "not verified: task"), (10**8, "verified:")])
def test_task_that_finished_no_job_is_not_called_verified(
    tmp_path: Path, duration_ns: int, said: str
) -> None:
    model = (MODELS / "micro_speech.tflite").read_bytes()
    packed = application(tmp_path, {"task": (model, "")})
    report = summary(packed.image, [execute(packed, duration_ns, verify=True)])
    text = io.StringIO()
    render(report, Console(file=text, width=120))
    assert [
        line.startswith(said) for line in text.getvalue().splitlines() if "verified" in line
    ] == [True]
