# SPDX-License-Identifier: Apache-2.0
"""The C header made of a Python module's constants."""

from __future__ import annotations

import runpy

from hocket_host.board.board import load
from paths import BOARD

header = runpy.run_path(str(BOARD / "constants_header.py"))["header"]


def defined(text: str) -> dict[str, str]:
    rows = (line.split(maxsplit=2) for line in text.splitlines() if line.startswith("#define"))
    return {name: value for _, name, value in rows}


def test_takes_plain_and_const_values_made_of_others() -> None:
    source = '_A = const(3)\nB = _A << 4\nC = "text"\nlower = 1\nD = unknown(2)\n'
    assert defined(header("X", source)) == {"X_A": "0x3", "X_B": "0x30", "X_C": '"text"'}


def test_the_board_s_header_agrees_with_what_the_host_reads() -> None:
    found = defined(header("BOARD", (BOARD / "board.py").read_text()))
    board = load("corstone300")
    assert int(found["BOARD_NPU_BASE"], 16) == board.npu_base
    assert int(found["BOARD_CPU_HZ"], 16) == board.cpu_hz
    assert int(found["BOARD_UART0_RX_IRQ"], 16) == board.uart0_rx_irq
