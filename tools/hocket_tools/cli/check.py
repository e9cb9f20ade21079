# SPDX-License-Identifier: Apache-2.0
"""`hocket check`: are all deadlines proved?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson


def check(
    source: Annotated[Path, typer.Argument(help="An app.toml or a container (.hkt).")],
    as_json: AsJson = False,
) -> None:
    """Prove that every deadline holds; exit code 1 if not."""
    from rich.console import Console

    from ..pack.advise import advise
    from ..plan import diagnosis
    from ..plan.summary import render, summary
    from ..prove import largest_scale
    from .files import open_source

    packed = open_source(source)
    proof = packed.proof
    scale = largest_scale(proof.taskset)
    problems = list(diagnosis(proof))
    hints = advise(packed.target) if problems else []
    report = summary(proof, scale, packed.application.schedule.cycles, problems, hints)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        render(report, Console())
    if problems:
        raise typer.Exit(1)
