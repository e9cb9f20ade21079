# SPDX-License-Identifier: Apache-2.0
"""Where a source checkout keeps what the lab measures; an installed package has none of it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The test networks.
MODELS = ROOT / "tests" / "models"
#: The ARM image, from the repository's root, where `make firmware` puts it.
FIRMWARE = Path("build/firmware/corstone300/firmware.elf")
