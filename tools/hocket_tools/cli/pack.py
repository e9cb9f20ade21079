# SPDX-License-Identifier: Apache-2.0
"""`hocket pack`: application file to container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..pack.packed import Packed


def pack(
    application: Annotated[Path, typer.Argument(help="The application file (app.toml).")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Container to write.")
    ] = None,
    strip: Annotated[
        bool, typer.Option("--strip", help="Leave out the notes that only the host reads.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write it even if a deadline may be missed.")
    ] = False,
) -> None:
    """Pack the networks of an application into a container."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from .. import container as hkt
    from ..app.application import load
    from ..pack.advise import advise
    from ..pack.pack import pack as build
    from ..plan import diagnosis

    loaded = load(application)
    target = output or application.with_suffix(".hkt")
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        row = progress.add_task("packing", total=None)
        packed = build(
            loaded,
            folder=None if strip else target.parent,
            progress=lambda text: progress.update(row, description=text),
        )
        problems = list(diagnosis(packed.proof))
        hints: list[str] = []
        if problems and not force:
            progress.update(row, description="looking for what would help")
            hints = advise(packed.target)
        else:
            hkt.write(target, packed.data)
    for problem in problems:
        console.print(f"[bold red]✗[/] {escape(problem)}", highlight=False, soft_wrap=True)
    if problems and not force:
        for hint in (*hints, "--force writes it all the same"):
            console.print(f"  · {hint}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    for line in _rounded_otherwise(packed):
        console.print(f"  · {line}", markup=False, highlight=False, soft_wrap=True)
    typer.echo(f"{target}: {_contents(packed)}")


def _rounded_otherwise(packed: Packed) -> Iterator[str]:
    """Layers that Vela computes with other arithmetic than TFLite's, and what helps."""
    from ..run.run import rounded_by_vela
    from ..verify.own_arithmetic import listed, remedy

    for name in packed.application.tasks:
        own = [
            layer
            for layer in rounded_by_vela(packed.application, packed.image, name)
            if not layer.rare
        ]
        if own:
            yield f"{name}: Vela rounds in its own way: {listed(own)}"
            yield from (f"{name}: {line}" for line in remedy(own))


def _contents(packed: Packed) -> str:
    """What a container holds, in one line."""
    from hocket_host.units import format_size

    from ..pack.packed import counted

    image = packed.image
    segments, operators = counted(image)
    beside = f", {operators} operators on the CPU" if operators else ""
    return (
        f"{len(image.tasks)} tasks, {segments} segments{beside}, "
        f"{format_size(len(packed.data))} read in place, "
        f"{format_size(image.arena_size)} SRAM arena, {image.accelerator}"
    )
