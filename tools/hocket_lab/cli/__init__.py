# SPDX-License-Identifier: Apache-2.0
"""What the lab adds to the `hocket` command: one file a subcommand, as in `hocket_tools.cli`."""

from __future__ import annotations

import typer

from . import (
    bench,
    bounds,
    dispatch,
    exact,
    experiment,
    features,
    generate,
    house,
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
    profile.register(app)
    lab = typer.Typer(
        help="Measurements, exactness sweeps, experiments, training, acceptance suites.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for module in (
        exact, bench, bounds, overlap, experiment, dispatch, size, speed, features, same_answers,
        operators, robot, train, generate, house,
    ):  # fmt: skip
        module.register(lab)
    app.add_typer(lab, name="lab")
