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
#: The ARM image, where it was built.
ELF = ROOT / "build" / "firmware" / "corstone300" / "firmware.elf"
