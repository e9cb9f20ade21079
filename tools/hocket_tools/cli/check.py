# SPDX-License-Identifier: Apache-2.0
"""`hocket check`: are all deadlines proved?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..app.application import Application
    from ..container import Image


def register(app: typer.Typer) -> None:
    """Add the subcommand."""

    @app.command()
    def check(
        source: Annotated[Path, typer.Argument(help="An app.toml or a container (.hkt).")],
        as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    ) -> None:
        """Prove that every deadline holds; exit code 1 if one may be missed."""
        from rich.console import Console

        from ..pack.pack import planner_of, prove
        from ..plan import advice, diagnosis
        from ..plan.summary import render, summary
        from ..prove import largest_scale

        application, image = _open(source)
        proof = prove(application, image)
        scale = largest_scale(proof.taskset)
        problems = list(diagnosis(proof))
        hints: list[str] = []
        if problems:
            planner = planner_of(application)
            hints = list(advice(planner, planner.plan()))
        report = summary(proof, scale, application.schedule.cycles, problems, hints)
        if as_json:
            typer.echo(json.dumps(report, indent=2))
        else:
            render(report, Console())
        if problems:
            raise typer.Exit(1)


def _open(source: Path) -> tuple[Application, Image]:
    from .. import container as hkt
    from ..app.application import load
    from ..app.notes import Notes
    from ..pack.pack import build_image
    from .files import read_bytes

    if source.suffix == ".toml":
        application = load(source)
        return application, build_image(application)
    image = hkt.read(read_bytes(source, "a container, or an application file"))
    return Notes.from_bytes(image.notes, source).application(source), image
