# SPDX-License-Identifier: Apache-2.0
"""`hocket lab train`: the networks of the zoo, trained anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .figures import progress


def train(
    what: Annotated[str, typer.Argument(help="keyword, digits, detector or denoiser; or samples.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files.")],
    seed: Annotated[int, typer.Option(help="Of data and weights.")] = 1,
) -> None:
    """Train a network of the zoo, or write sample inputs."""
    from ..train import train as train_network

    with progress(what):
        train_network(what, out, seed)
