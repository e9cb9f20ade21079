# SPDX-License-Identifier: Apache-2.0
"""`hocket lab dispatch`: what Hocket itself costs on the ARM image, in instructions."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from ..checkout import FIRMWARE
from .figures import AsJson, Firmware, Output, deliver, progress


def dispatch(
    firmware: Firmware = FIRMWARE,
    time: Annotated[str, typer.Option(help="Virtual time to run, with the boot.")] = "5 s",
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Count the instructions of the kernel on the ARM image.

    Of dispatches, releases, resumes and completions.

    Exit code 1 if an interrupt of the NPU allocated memory.
    """
    from hocket_host.units import parse_duration
    from hocket_tools.run import missing

    from ..image.dispatch import measure
    from ..needs import require

    duration_ns = parse_duration(time)
    require(all_of={"unicorn": missing("unicorn")}, image=firmware)
    with progress("four tasks on the ARM image"):
        figures = measure(firmware, duration_ns)
    deliver(figures, lambda console: _show(console, figures), output=output, as_json=as_json)
    if figures["allocations"]:
        raise typer.Exit(1)


def _show(console: Console, figures: dict[str, Any]) -> None:
    percentiles = ("p50", "p99", "max")
    table = plain_table("instructions", *percentiles, "counted")
    rows = {
        "interrupt to next start": figures["instructions"] | {"counted": figures["dispatches"]},
        "release": figures["releases"],
        "resume that submits": figures["resumes"],
        "resume that completes a job": figures["completions"],
        "turn of the loop for nothing": figures["turns"],
    }
    for label, row in rows.items():
        table.add_row(label, *(str(row[name]) for name in (*percentiles, "counted")))
    console.print(table)
    console.print(
        f"{figures['allocations']} of {figures['interrupts']} interrupts of the NPU allocated; "
        f"{figures['tasks']} tasks, {figures['back_end']}"
    )
    console.print(f"the task that prints the table: {figures['spawned_max']} at most in a resume")
    console.print("board.py must have at least:")
    for name, cycles in figures["profile"].items():
        console.print(f"  {name} = {cycles}")
