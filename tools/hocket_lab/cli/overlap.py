# SPDX-License-Identifier: Apache-2.0
"""`hocket lab overlap`: networks that take turns on both units, against one after the other."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from .figures import AsJson, Models, Output, deliver, progress


def overlap(
    models: Models = None,
    frames: Annotated[int, typer.Option(min=1, metavar="N", help="Inputs a network.")] = 100,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Time networks of both units together and one by one."""
    from ..bench.overlap import sweep
    from ..checkout import MODELS
    from ..needs import require

    folder = models or MODELS
    require(models=folder)
    with progress("running") as report:
        figures = sweep(folder, frames, report)
    deliver(figures, lambda console: _show(console, figures), output=output, as_json=as_json)


def _show(console: Console, figures: dict[str, Any]) -> None:
    from hocket_host.units import format_ns

    table = plain_table("networks", "cut", "with", "without", "ratio", "at best", "verified jobs")
    for row in figures["rows"]:
        table.add_row(
            row["scenario"],
            row["cut"],
            format_ns(row["with_ns"] // row["frames"]),
            format_ns(row["without_ns"] // row["frames"]),
            f"{row['ratio']:.3f}",
            f"{row['least_ratio']:.3f}",
            str(row["verified_jobs"]),
        )
    console.print(table)
    console.print(f"with overlap {figures['ratio']:.3f} of the time without")
