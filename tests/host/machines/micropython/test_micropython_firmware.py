# SPDX-License-Identifier: Apache-2.0
"""What of the firmware is left to MicroPython's interpreter."""

import ast
import importlib.util
from pathlib import Path

from hocket_host.machines.micropython.firmware import interpreted

FIRMWARE = Path(importlib.util.find_spec("hocket").origin).parent

TOUCHES = "@micropython.viper\ndef peek(base, at: int) -> uint:\n    return ptr32(base)[at]\n"
COMPUTES = "@micropython.viper\ndef add(a: int, b: int) -> int:\n    return a + b\n"
WRITES = "@micropython.viper\ndef put(ring, at: int):\n    ptr32(ring)[at] = 1\n"


def viper(source):
    return [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(d) == "micropython.viper" for d in node.decorator_list)
    ]


def test_a_function_that_reaches_registers_loses_viper_and_nothing_else():
    changed = interpreted(TOUCHES + COMPUTES)
    assert viper(changed) == ["add"]
    assert changed.splitlines()[1:] == (TOUCHES + COMPUTES).splitlines()[1:]


def test_what_works_on_memory_stays_in_viper():
    assert interpreted(COMPUTES + WRITES) == COMPUTES + WRITES


def test_of_the_firmware_only_the_drivers_path_is_interpreted():
    lost = {
        name
        for file in FIRMWARE.rglob("*.py")
        for name in set(viper(file.read_text())) - set(viper(interpreted(file.read_text())))
    }
    assert {"peek", "poke"} <= lost
    assert not lost & {"choose", "ticks_add", "ticks_diff", "put"}
