# SPDX-License-Identifier: Apache-2.0
"""`hocket profile`: what operators on the processor cost on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the subcommand."""

    @app.command()
    def profile(
        board: Annotated[str, typer.Option(help="A board's name or folder.")] = "corstone300",
        firmware: Annotated[
            Path | None, typer.Option(metavar="ELF", help="The board's image; default: make's.")
        ] = None,
        cases: Annotated[str, typer.Option(metavar="PART", help="Only cases with this id.")] = "",
        drawn: Annotated[
            int, typer.Option(min=0, metavar="N", help="Add cases drawn at random.")
        ] = 300,
        passes: Annotated[
            int, typer.Option(min=1, help="Measure again with the steps that new costs give.")
        ] = 2,
        host: Annotated[bool, typer.Option(help="Time MicroPython on this machine, too.")] = False,
        write: Annotated[bool, typer.Option(help="Write the board's costs.toml.")] = False,
        output: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write the costs elsewhere.")
        ] = None,
    ) -> None:
        """Measure the processor's operators on the ARM image and fit the cost of each unit."""
        from rich.console import Console

        from hocket_tools.cpu import costs as known

        from ..cpu.arm import FIRMWARE
        from . import measure, render, toml
        from .measure import costs_from

        console, errors = Console(highlight=False), Console(stderr=True, highlight=False)
        path = known.path_of(board)
        costs = known.load(path)
        elf = firmware or FIRMWARE
        measured = []
        last = []
        with errors.status("measuring") as status:
            for number in range(passes):

                def report(line: str, number: int = number) -> None:
                    status.update(f"pass {number + 1}: {line}")

                timed = host and number == passes - 1
                last = measure(elf, cases, drawn=drawn, costs=costs, host=timed, report=report)
                measured += last
                costs = costs_from(measured, costs)
        console.print(render(last, costs))
        for target in ([path] if write else []) + ([output] if output else []):
            target.write_text(toml(costs), encoding="utf-8")
            console.print(f"wrote {target}")
