# SPDX-License-Identifier: Apache-2.0
"""`hocket profile`: what operators on the CPU cost on a board."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from ..checkout import FIRMWARE
from .figures import AsJson, Firmware, Output, deliver, progress

if TYPE_CHECKING:
    from rich.table import Table

    from hocket_tools.cpu.costs import Costs

    from ..profile.measure import Measured


def profile(
    board: Annotated[str, typer.Option(help="A board's name or folder.")] = "corstone300",
    firmware: Firmware = FIRMWARE,
    cases: Annotated[str, typer.Option(metavar="PART", help="Only cases with this id.")] = "",
    drawn: Annotated[
        int, typer.Option(min=0, metavar="N", help="Add cases drawn at random.")
    ] = 300,
    passes: Annotated[
        int, typer.Option(min=1, help="Measure again with the steps that new costs give.")
    ] = 2,
    host: Annotated[bool, typer.Option(help="Time MicroPython on this machine, too.")] = False,
    write: Annotated[bool, typer.Option(help="Write the board's costs.toml.")] = False,
    costs_to: Annotated[
        Path | None, typer.Option("--costs", metavar="FILE", help="Write the costs elsewhere.")
    ] = None,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Fit the CPU costs of operators, measured on a board."""
    from hocket_tools.cpu import costs as known
    from hocket_tools.run import missing

    from ..needs import require
    from ..profile.costs_file import toml
    from ..profile.measure import measure_and_fit

    path = known.path_of(board)
    before = known.load(path)
    require(all_of={"unicorn": missing("unicorn")}, image=firmware)
    with progress("packing") as report:
        measured, costs = measure_and_fit(
            firmware, cases, before, drawn=drawn, passes=passes, host=host, report=report
        )
    written = ([path] if write else []) + ([costs_to] if costs_to else [])
    for target in written:
        target.write_text(toml(costs), encoding="utf-8")

    def show(console: Console) -> None:
        console.print(_table(measured, costs))
        for target in written:
            console.print(f"wrote {target}", markup=False, soft_wrap=True)

    figures = {"board": board, "measured": len(measured), "cycles": dict(costs.cycles)}
    deliver(figures, show, output=output, as_json=as_json)


def _table(measured: Sequence[Measured], costs: Costs) -> Table:
    """By operator and primitive: what was measured, and how much more is estimated."""
    from hocket_tools.cpu.costs import STEP_CYCLES, using

    table = plain_table(
        "operator", "primitive", "cases", "longest step", "estimate / measured", "host ns / kcycle",
        title=f"cycles; a step may take {STEP_CYCLES}",
    )  # fmt: skip
    groups: dict[tuple[str, str], list[Measured]] = defaultdict(list)
    for one in measured:
        groups[one.kind, one.primitive].append(one)
    with using(costs):
        for (kind, primitive), found in sorted(groups.items()):
            ratios = sorted(one.spent.cycles / one.cycles for one in found)
            timed = [one for one in found if one.host_ns is not None]
            host = sum(one.host_ns or 0 for one in timed) * 1000
            table.add_row(
                kind,
                primitive,
                str(len(found)),
                str(max(one.step_cycles for one in found)),
                f"{ratios[0]:.2f} - {ratios[-1]:.2f}",
                str(host // sum(one.cycles for one in timed)) if timed else "",
            )
    return table
