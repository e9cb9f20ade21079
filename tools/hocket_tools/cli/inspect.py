# SPDX-License-Identifier: Apache-2.0
"""`hocket inspect`: what is in a container."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson


def inspect(
    container: Annotated[
        Path, typer.Argument(help="The .hkt file; with --primitives also app.toml.")
    ],
    as_json: AsJson = False,
    full: Annotated[bool, typer.Option("--full", help="Show every segment.")] = False,
    primitives: Annotated[
        bool,
        typer.Option("--primitives", help="Show how each layer on the CPU may run."),
    ] = False,
) -> None:
    """Show what a container holds."""
    from rich.console import Console

    if primitives:
        _primitives(container, as_json)
        return

    from .. import container as hkt
    from ..report.inspect import render, summary
    from .files import read_bytes

    data = read_bytes(container, "a container made by hocket pack")
    report = summary(hkt.read(data), data)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        render(report, Console(), full=full)


def _primitives(source: Path, as_json: bool) -> None:
    from rich.console import Console

    from .. import container as hkt
    from ..app.application import load
    from ..app.notes import Notes
    from ..report.primitives import render, summary
    from .files import read_bytes

    if source.suffix == ".toml":
        application = load(source)
    else:
        image = hkt.read(read_bytes(source, "a container, or an application file"))
        application = Notes.from_bytes(image.notes, source).application(source)
    report = summary(application)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        render(report, Console())
