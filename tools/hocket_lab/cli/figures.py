# SPDX-License-Identifier: Apache-2.0
"""What every measuring command shares: its options, its progress, and where its figures go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..progress import Report

Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write the figures as JSON."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the figures as JSON instead of tables.")
]
Models = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of .tflite files; by default the checkout's test networks."
    ),
]
Firmware = Annotated[
    Path, typer.Option(metavar="ELF", help="The ARM image, which make firmware builds.")
]
Accelerators = Annotated[
    list[str] | None,
    typer.Option("--accelerator", metavar="A", help="As Vela's option; may be repeated."),
]


#: Columns of tables in a file or pipe.
_WIDE = 160


@contextmanager
def progress(text: str) -> Iterator[Report]:
    """Show on standard error what is being done, for how long, and how much of it is done."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        row = shown.add_task(text, total=None)

        def report(line: str, done: int = 0, total: int | None = None, /) -> None:
            counted = "" if total is None else f" ({done} of {total})"
            shown.update(row, description=f"{line}{counted}", completed=done, total=total)

        yield report


def deliver(
    figures: Mapping[str, Any],
    show: Callable[[Console], None],
    *,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write the figures where they are wanted, and print them as tables or as JSON.

    Parameters
    ----------
    figures
        Plain values by name.
    show
        Prints the tables.
    output
        File to write, if any.
    as_json
        Print JSON instead of tables.
    """
    text = json.dumps(figures, indent=2)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n", encoding="utf-8")
    if as_json:
        typer.echo(text)
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        # Nobody's window is too narrow, and figures that are cut short are no figures.
        console = Console(highlight=False, width=_WIDE)
    show(console)
    if output is not None:
        console.print(f"wrote {output}", markup=False, soft_wrap=True)
