# SPDX-License-Identifier: Apache-2.0
"""How fast an emulator ran its guests: instructions and seconds, summed over a process."""

from __future__ import annotations

import json
from pathlib import Path

SPEED = "speed.json"
"""Name of the file, in the folder of the results."""


class Speed:
    """Sums; what a back end does not count makes the whole sum unknown."""

    def __init__(self) -> None:
        self._instructions: int | None = 0
        self._wall_s = 0.0

    def add(self, instructions: int | None, wall_s: float) -> None:
        """Book a run; None where instructions are not counted."""
        if instructions is None or self._instructions is None:
            self._instructions = None
        else:
            self._instructions += instructions
        self._wall_s += wall_s

    def write(self, folder: Path) -> None:
        """Write the sums so far."""
        sums = {"instructions": self._instructions, "wall_s": self._wall_s}
        (folder / SPEED).write_text(json.dumps(sums) + "\n")


PROCESS = Speed()
"""Of all suites that this process runs."""
