# SPDX-License-Identifier: Apache-2.0
"""`hocket lab speed`: how fast the emulators are, with the NPU and without."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from hocket_tools.text.tables import plain_table

from ..checkout import FIRMWARE
from .figures import AsJson, Firmware, Output, deliver, progress


def speed(firmware: Firmware = FIRMWARE, output: Output = None, as_json: AsJson = False) -> None:
    """Time the ARM image on every emulator installed."""
    from hocket_tools.run import BACK_ENDS, missing

    from ..image.emulator_speed import measure
    from ..needs import require

    require(any_of={name: missing(name) for name in BACK_ENDS}, image=firmware)
    with progress("running") as report:
        figures = measure(firmware, report)
    deliver(figures, lambda console: _show(console, figures), output=output, as_json=as_json)


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = plain_table("emulator", "load", "million instructions/s", "times real time")
    for back_end, speeds in figures.items():
        if speeds["missing"] is not None:
            console.print(f"{back_end} did not run: {speeds['missing']}", markup=False)
            continue
        for name, text in (("loop", "CPU alone"), ("demo", "demonstration, NPU included")):
            mips = speeds[name]["guest_mips"]
            table.add_row(
                back_end,
                text,
                "not counted" if mips is None else str(mips),
                str(speeds[name]["real_time"]),
            )
    console.print(table)
