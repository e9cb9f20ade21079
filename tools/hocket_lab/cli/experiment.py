# SPDX-License-Identifier: Apache-2.0
"""`hocket lab experiment`: how many task sets keep every deadline, over utilisation."""

from __future__ import annotations

import csv
from typing import Annotated

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from .figures import AsJson, Models, Output, deliver, progress


def experiment(
    models: Models = None,
    sets: Annotated[
        int, typer.Option(min=1, metavar="N", help="Task sets at each utilisation.")
    ] = 15,
    seed: Annotated[int, typer.Option(help="Of the draws.")] = 1,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Count drawn task sets whose deadlines can be proved.

    Over real networks, run as a whole, in segments, and on an ideal preemptive NPU.

    With --output, a table (.csv) and a picture (.svg) are written beside the figures.
    """
    from ..checkout import MODELS
    from ..needs import require

    folder = (models or MODELS).resolve()
    require(packages={} if output is None else {"matplotlib": "hocket[lab]"}, models=folder)
    from ..experiment.sweep import run, table_rows

    with progress("compiling networks") as report:
        points, figures = run(folder, sets, seed, report)
    rows = list(table_rows(points))
    if output is not None:
        from ..experiment.figure import draw

        output.parent.mkdir(parents=True, exist_ok=True)
        with output.with_suffix(".csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        output.with_suffix(".svg").write_text(draw(points), encoding="utf-8")

    def show(console: Console) -> None:
        table = plain_table(*rows[0])
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)
        for name, value in figures.items():
            console.print(f"{name} = {value}")

    deliver(figures, show, output=output, as_json=as_json)
