# SPDX-License-Identifier: Apache-2.0
"""`hocket demo`: three networks that take turns, from models to recognised inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import virtual_time


def demo(
    write: Annotated[
        Path | None,
        typer.Option(help="Only write the demo's app.toml and models into a folder."),
    ] = None,
    seconds: Annotated[str, typer.Option(help="Virtual time to run, in seconds.")] = "3",
) -> None:
    """Show three networks that share one NPU, run both ways."""
    from rich.console import Console

    from . import demonstration

    console = Console()
    if write is not None:
        path = demonstration.write(write)
        console.print(f"wrote {path}; try: hocket run {path} --compare", soft_wrap=True)
        return
    duration_ns = virtual_time(seconds)
    if not demonstration.show(console, duration_ns):
        raise typer.Exit(1)
