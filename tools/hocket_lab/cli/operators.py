# SPDX-License-Identifier: Apache-2.0
"""`hocket lab operators`: operators for the CPU against tflite_micro, on every platform."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from ..checkout import FIRMWARE
from .figures import AsJson, Firmware, Output, deliver, progress


def operators(
    cases: Annotated[str, typer.Option(metavar="PART", help="Only cases with this id.")] = "",
    platform: Annotated[
        list[str] | None,
        typer.Option(
            help="cpython, micropython or arm; may be repeated. By default all that can run here."
        ),
    ] = None,
    firmware: Firmware = FIRMWARE,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Compare the CPU's operators with tflite_micro, exactly.

    Exit code 1 if anything differs, or takes longer on the ARM image than it was packed for.
    """
    from ..cpu.report import failed, measure, missing
    from ..needs import choose

    chosen, not_run = choose("--platform", platform, missing(firmware))
    with progress("comparing") as report:
        figures = measure(cases, chosen, report, firmware=firmware)
    figures["not_run"] = not_run
    deliver(figures, lambda console: _show(console, figures), output=output, as_json=as_json)
    if failed(figures):
        raise typer.Exit(1)


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = plain_table("operator", "types", "cases", "primitives", "bytes", "mismatches")
    for kind, types in figures["operators"].items():
        for name, row in types.items():
            table.add_row(
                kind,
                name,
                str(row["cases"]),
                ", ".join(row["primitives"]),
                str(row["elements"]),
                str(row["mismatches"]),
            )
    console.print(table)
    for name, reason in figures["not_compared"].items():
        console.print(f"{name} not compared: {reason}", markup=False)
    for name in ("cases", "comparisons", "mismatches"):
        console.print(f"{name:<12} {figures[name]}")
    for name in figures["beyond_a_step"]:
        console.print(f"{name}: a step is longer than {figures['step_bound_cycles']} cycles")
    for name, summary in figures["platforms"].items():
        text = ", ".join(
            f"{key.replace('_', ' ')} {len(value) if isinstance(value, list) else value}"
            for key, value in summary.items()
        )
        console.print(f"{name:<12} {text}")
    for name, why in figures["not_run"].items():
        console.print(f"{name:<12} not run: {why}", markup=False)
