# SPDX-License-Identifier: Apache-2.0
"""`hocket demo`: three networks that take turns, from models to recognised inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    write: Annotated[
        Path | None,
        typer.Option(help="Only write the demo's app.toml and models into a folder."),
    ] = None,
    seconds: Annotated[str, typer.Option(help="Virtual time to run, in seconds.")] = "3",
) -> None:
    """Pack three networks of the zoo, run them both ways, and show what they recognise."""
    from rich.console import Console

    from . import demonstration
    from .quantities import virtual_time

    console = Console()
    if write is not None:
        path = demonstration.write(write)
        console.print(f"wrote {path}; try: hocket run {path} --compare", soft_wrap=True)
        return
    duration_ns = virtual_time(seconds)
    if not demonstration.show(console, duration_ns):
        raise typer.Exit(1)
