# SPDX-License-Identifier: Apache-2.0
"""`hocket firmware`: the ARM image of a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

firmware = typer.Typer(
    help="The ARM image: MicroPython with Hocket frozen in.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


# Keeps "build" a subcommand, which Typer otherwise takes for the group itself.
@firmware.callback()
def group() -> None: ...


@firmware.command()
def build(
    board: Annotated[str, typer.Option(help="Folder under firmware/boards.")] = "corstone300",
    build_dir: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the images.")] = Path(
        "build/firmware"
    ),
    jobs: Annotated[int | None, typer.Option(min=1, metavar="N", help="Compilers at once.")] = None,
) -> None:
    """Build a board's images, in a checkout."""
    from rich.console import Console

    from ..image import build as build_images

    with Console(stderr=True).status("building") as status:
        images = build_images(board, output=build_dir, jobs=jobs, report=status.update)
    for image in images:
        typer.echo(image)
