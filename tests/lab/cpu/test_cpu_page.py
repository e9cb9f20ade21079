# SPDX-License-Identifier: Apache-2.0
"""The table of operators in the documents names what the library has."""

from __future__ import annotations

import pytest

from hocket_lab.cpu.cases import CASES
from hocket_lab.cpu.page import render, rows
from hocket_tools.cpu import candidates, kinds, read_source, reason
from paths import ROOT

PAGE = ROOT / "docs" / "operators.md"


def test_every_operator_of_the_library_is_named_in_the_page() -> None:
    page = PAGE.read_text()
    unnamed = set(kinds()) - {"READ_VARIABLE", "ASSIGN_VARIABLE"}
    assert {kind for kind in unnamed if kind not in page} == set()


def test_page_has_the_primitives_of_each_operator() -> None:
    cells = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    listed: dict[str, set[str]] = {}
    for cell in cells[1:]:
        listed.setdefault(cell[0].removeprefix("| "), set()).update(cell[4].split(", "))
    for name, case in CASES.items():
        source = read_source(case.model())[0]
        if not name.startswith("chain") and reason(source) is None:
            assert {p.primitive for p in candidates(source)} <= listed[case.op], name


@pytest.mark.slow
def test_page_is_what_the_command_writes() -> None:
    assert PAGE.read_text() == render(rows())
