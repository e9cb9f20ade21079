# SPDX-License-Identifier: Apache-2.0
"""Where the tests find things: the checkout, its models and data, and what was built."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
MODELS = TESTS / "models"
DATA = TESTS / "data"
FIRMWARE = ROOT / "firmware"
BOARD = FIRMWARE / "boards" / "corstone300"
PLATFORM = ROOT / "renode" / "corstone300.repl"
#: Where images are built, and the ARM image among them: ask for the fixture `elf`.
OUTPUT = ROOT / "build" / "firmware"
ELF = OUTPUT / "corstone300" / "firmware.elf"
