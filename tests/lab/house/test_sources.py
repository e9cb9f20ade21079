# SPDX-License-Identifier: Apache-2.0
"""What is counted, and how."""

from __future__ import annotations

from pathlib import Path

from hocket_lab.house import sources
from paths import ROOT


def test_generated_files_and_data_are_not_counted() -> None:
    counted = {str(p.relative_to(ROOT)) for p in sources.files(ROOT, sources.PRODUCT)}
    assert "firmware/hocket/kernel.py" in counted
    assert "firmware/hocket/dispatch.py" in counted  # of which only some lines are generated
    assert "firmware/boards/corstone300/main.c" in counted
    assert "firmware/hocket/_layout.py" not in counted
    assert not any("/data/" in name or name.startswith("tools/hocket_lab") for name in counted)


def test_comments_and_blank_lines_are_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("# one\n\nthree = 3")
    assert sources.lines(file) == 3


def test_long_files_and_functions_are_named(tmp_path: Path) -> None:
    file = tmp_path / "long.py"
    file.write_text("def f():\n" + "    x = 1\n" * 60 + "x = 1\n" * 339)
    assert list(sources.long_files([file])) == []
    assert [(name, n) for _, name, n in sources.long_functions([file])] == [("f", 61)]
    file.write_text(file.read_text() + "x = 1\n")
    assert list(sources.long_files([file])) == [(file, 401)]
