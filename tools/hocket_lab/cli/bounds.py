# SPDX-License-Identifier: Apache-2.0
"""`hocket lab bounds`: what it costs to bound the length of an operation, model by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from .figures import AsJson, Models, Output, deliver, progress

if TYPE_CHECKING:
    from ..bench.bounds import Figures


def bounds(
    models: Models = None,
    bound: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="NPU cycles that no operation should exceed; the generated network may take "
            "twice as many.",
        ),
    ] = 10_000,
    accelerator: Annotated[
        str, typer.Option(metavar="A", help="As Vela's --accelerator-config.")
    ] = "ethos-u55-128",
    generated: Annotated[
        bool, typer.Option(help="With a generated network of MobileNetV2's shape.")
    ] = True,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Cut every model into short tiles, timed before and after."""
    from ..bench.bounds import sweep
    from ..checkout import MODELS
    from ..needs import require

    folder = models or MODELS
    require(models=folder)
    with progress("cutting") as report:
        found, refused = sweep(folder, bound, accelerator, generated=generated, report=report)
    deliver(
        {name: figures.as_dict() for name, figures in found.items()},
        lambda console: _show(console, found, refused),
        output=output,
        as_json=as_json,
    )


def _show(console: Console, found: dict[str, Figures], refused: dict[str, str]) -> None:
    table = plain_table(
        "model", "bound", "operations", "longest before", "tile", "segment", "extra cycles",
        "model against Vela", "read-only bytes",
    )  # fmt: skip
    for name, f in found.items():
        table.add_row(
            name,
            str(f.bound_cycles),
            f"{f.operations_before} to {f.operations}",
            str(f.longest_operation_before),
            str(f.max_piece_cycles),
            str(f.max_segment_cycles),
            f"{100 * f.extra_cycles_ratio:+.2f}%",
            f"{100 * f.cycle_model_error:+.2f}%",
            f"{f.read_only - f.read_only_before:+d}",
        )
    console.print(table)
    for name, reason in refused.items():
        console.print(f"{name} not cut: {reason}", markup=False, soft_wrap=True)
