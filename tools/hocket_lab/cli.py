# SPDX-License-Identifier: Apache-2.0
"""What the lab adds to the `hocket` command, through the entry point group `hocket.commands`."""

from __future__ import annotations

import typer

from .profile import command


def register(app: typer.Typer) -> None:
    """Add the lab's subcommands."""
    command.register(app)
