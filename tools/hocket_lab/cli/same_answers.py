# SPDX-License-Identifier: Apache-2.0
"""`hocket lab same-answers`: one application on every platform, held to be equivalent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from ..checkout import FIRMWARE
from .figures import AsJson, Firmware, Output, deliver, progress

#: Characters of a digest that the table shows.
_SHOWN = 8


def same_answers(
    application: Annotated[
        Path | None,
        typer.Argument(
            help="An application file (app.toml); the demonstration by default.",
            show_default=False,
        ),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(help="cpython, micropython, unicorn or qemu; may be repeated."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare all outputs with tflite_micro's, too.")
    ] = False,
    firmware: Firmware = FIRMWARE,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Run an application on every platform and compare.

    Outputs, order of segments, their times on the NPU, response times.

    Exit code 1 if something differs that must not.
    """
    from hocket_tools.zoo.application import APPLICATION

    from ..equivalence.compare import wrong
    from ..equivalence.sweep import sweep

    with progress("packing") as report:
        figures = sweep(
            application or APPLICATION, platform, firmware, verify=verify, progress=report
        )
    differences = wrong(figures)

    def show(console: Console) -> None:
        _show(console, figures)
        for line in differences:
            console.print(line, markup=False)

    deliver(figures, show, output=output, as_json=as_json)
    if differences:
        raise typer.Exit(1)


def _show(console: Console, figures: dict[str, Any]) -> None:
    ran = {name: platform for name, platform in figures.items() if platform["missing"] is None}
    for name, platform in figures.items():
        if platform["missing"] is not None:
            console.print(f"{name} did not run: {platform['missing']}", markup=False)
    if not ran:
        return
    table = plain_table("platform", "outputs", "runs", "moved", "order", "missed", "MIPS", "speed")
    for name, platform in ran.items():
        speed = platform["guest_mips"]
        table.add_row(
            name,
            platform["digest"][:_SHOWN] + (" exact" if platform["verified"] else ""),
            str(platform["segments"] or ""),
            "" if platform["moved"] is None else str(platform["moved"]),
            "" if platform["order_as"] in (name, None) else f"as {platform['order_as']}",
            str(platform["misses"]),
            "" if speed is None else str(speed),
            f"{platform['real_time']} x",
        )
    console.print(table)
    tasks = next(iter(ran.values()))["tasks"]
    times = plain_table("response, mean and max in us", *tasks)
    for name, platform in ran.items():
        responses = [task["response"] for task in platform["tasks"].values()]
        times.add_row(name, *(f"{r['mean_us']} {r['max_us']}" for r in responses))
    console.print(times)
