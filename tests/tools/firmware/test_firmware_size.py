# SPDX-License-Identifier: Apache-2.0
"""Flash and heap stay within what the documents promise."""

from __future__ import annotations

import json
from pathlib import Path

from hocket_tools.firmware import Image, SizeReport, measure


def test_the_package_and_the_kernel_fit_their_budgets(images: list[Image], tmp_path: Path) -> None:
    report = measure(images[0])
    assert not report.over_budget, str(report)
    assert report.flash_hocket_bytes > 16 * 1024
    assert report.flash_ops_bytes > 16 * 1024
    assert report.heap_kernel_bytes is not None
    assert report.heap_kernel_bytes > 4 * 1024
    report.write(tmp_path / "build" / "size.json")
    written = json.loads((tmp_path / "build" / "size.json").read_text())
    assert written["text"] == images[0].text


def test_a_budget_that_is_exceeded_is_told() -> None:
    assert SizeReport(48 * 1024 + 1, None, 1, 1, 1).over_budget
    assert SizeReport(1, 16 * 1024 + 1, 1, 1, 1).over_budget
    assert not SizeReport(48 * 1024, 16 * 1024, 1, 1, 1).over_budget
