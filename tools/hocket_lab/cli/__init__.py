# SPDX-License-Identifier: Apache-2.0
"""What the lab adds to the `hocket` command: one file a subcommand, as in `hocket_tools.cli`."""

from __future__ import annotations

import typer

from . import (
    bench,
    bounds,
    claims,
    corpus,
    dispatch,
    exact,
    experiment,
    features,
    generate,
    house,
    mutants,
    operators,
    overlap,
    profile,
    robot,
    same_answers,
    size,
    speed,
    train,
)


def register(app: typer.Typer) -> None:
    """Add the lab's subcommands; called through the entry-point group ``hocket.commands``."""
    app.command()(profile.profile)
    lab = typer.Typer(
        help="Measurements, sweeps, experiments, training.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command in (
        exact.exact,
        corpus.corpus,
        bench.bench,
        bounds.bounds,
        overlap.overlap,
        experiment.experiment,
        dispatch.dispatch,
        size.size,
        speed.speed,
        features.features,
        same_answers.same_answers,
        operators.operators,
        robot.robot,
        train.train,
        generate.generate,
        house.house,
        mutants.mutants,
        claims.claims,
    ):
        lab.command()(command)
    app.add_typer(lab, name="lab")
