# SPDX-License-Identifier: Apache-2.0
"""`hocket pack`: application file to container."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    """Compile, split and pack the networks of an application into one container."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from hocket_host.units import format_size

    from .. import container as hkt
    from ..app.application import load
    from ..pack.pack import advise
    from ..pack.pack import pack as build
    from ..pack.packed import counted
    from ..plan import diagnosis
    from ..run.run import rounded_by_vela
    from ..verify.own_arithmetic import listed, remedy

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
        console.print(f"[bold red]✗[/] {problem}", highlight=False, soft_wrap=True)
    if problems and not force:
        for hint in (*hints, "--force writes it all the same"):
            console.print(f"  · {hint}", highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    for name in loaded.tasks:
        own = [layer for layer in rounded_by_vela(loaded, packed.image, name) if not layer.rare]
        said = [f"Vela rounds in its own way: {listed(own)}", *remedy(own)] if own else []
        for line in said:
            console.print(f"  · {name}: {line}", markup=False, highlight=False, soft_wrap=True)
    image = packed.image
    segments, operators = counted(image)
    beside = f", {operators} operators on the CPU" if operators else ""
    typer.echo(
        f"{target}: {len(image.tasks)} tasks, {segments} segments{beside}, "
        f"{format_size(len(packed.data))} read in place, "
        f"{format_size(image.arena_size)} SRAM arena, {image.accelerator}"
    )
