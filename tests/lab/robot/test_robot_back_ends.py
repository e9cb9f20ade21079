# SPDX-License-Identifier: Apache-2.0
"""Hocket's own back ends under plain robot: Renode's keywords, results, and the same run twice."""

import pytest

from hocket_lab.robot import runner
from paths import ROOT
from rigs.needs import BACK_ENDS

SUITE = f"""\
*** Settings ***
Resource          {ROOT}/robot_tests/common.resource
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Reset Emulation
Test Teardown     Leave Machine

*** Test Cases ***
The Prompt Answers
    Create Machine    ${{CURDIR}}/empty.bin    program=${{CURDIR}}/twice.py
    Wait For Prompt On Uart    >>>
    Run Program    ${{CURDIR}}/twice.py
    ${{line}}=    Wait For Line On Uart    answer (\\\\d+)    treatAsRegex=true
    Should Be Equal    ${{line.Groups}}[0]    42
    ${{word}}=    Execute Command    sysbus ReadDoubleWord 0x71800000
    Should Be Equal    ${{word.strip()}}    0x6E697270

A Line That Does Not Come Is Waited For In Virtual Time
    Create Machine    ${{CURDIR}}/empty.bin
    Run Keyword And Expect Error    *within 2 s of virtual time*
    ...    Wait For Line On Uart    nothing    timeout=2

What Should Not Be There Fails The Test
    Create Machine    ${{CURDIR}}/empty.bin
    Run Keyword And Expect Error    *must not come*
    ...    Should Not Be On Uart    no application

A File That Is Not There Is Named
    Run Keyword And Expect Error    *none.resc*    Execute Script    ${{CURDIR}}/none.resc
"""


@pytest.fixture
def suites(tmp_path):
    folder = tmp_path / "suites"
    folder.mkdir()
    (folder / "keywords.robot").write_text(SUITE)
    (folder / "empty.bin").write_bytes(bytes(16))
    (folder / "twice.py").write_text("print('answer', 6 * 7)")
    return folder


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_keywords_mean_what_they_mean_in_renode_and_runs_are_the_same(
    elf, back_end, suites, tmp_path
):
    first, second = (
        runner.run(back_end, suites, tmp_path / name, slow=False) for name in ("a", "b")
    )
    assert (first.messages, first.broken) == ({}, None)
    assert first.count("PASS") == 4
    assert first.console_sha256 is not None
    assert first.console_sha256 == second.console_sha256
    assert first.guest_mips is None or first.guest_mips > 0
