# SPDX-License-Identifier: Apache-2.0
"""`hocket lab mutants`: how many broken sources the tests of their own room notice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from .figures import AsJson, Output, deliver, progress

if TYPE_CHECKING:
    from ..mutants.results import Result


def mutants(
    sample: Annotated[
        int, typer.Option(min=0, help="How many to draw; 0 for all there are.")
    ] = 200,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 1,
    room: Annotated[
        list[str] | None, typer.Option(metavar="ROOM", help="Only of this room; repeatable.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Trials at once.")] = 2,
    budget: Annotated[
        float | None, typer.Option(metavar="MINUTES", help="Begin no more trials after this long.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Forget how earlier trials ended.")] = False,
    least: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="With fewer killed it fails.")
    ] = 0.85,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Break the sources at one place at a time, and ask whether their room's own tests fail.

    Rooms are those whose faults a run does not show by itself: segment, tile, plan, prove, the
    readers of containers, and the device's dispatcher, agenda and kernel. A second run takes up
    what is left of the first: verdicts stay in build/mutants as long as the source and the tests
    that decided are the same.
    """
    from ..checkout import ROOT
    from ..mutants.campaign import Campaign
    from ..mutants.rooms import chosen
    from ..needs import require

    require(packages={"pytest": "hocket[test]"}, checkout=ROOT / "tests" / "mutants.toml")
    campaign = Campaign(ROOT, chosen(room or ()), sample or None, seed, fresh=fresh)
    with progress("drawing") as report:
        results = campaign.run(jobs, None if budget is None else 60 * budget, report)
    figures = campaign.figures(results)
    deliver(
        figures, lambda console: _show(console, results, figures), output=output, as_json=as_json
    )
    if figures["ratio"] < least:
        raise typer.Exit(1)


def _show(console: Console, results: Sequence[Result], figures: dict[str, Any]) -> None:
    table = plain_table("room", "mutants", "killed", "share", "equivalent")
    for name, row in {**figures["by_room"], "all": figures}.items():
        share = f"{100 * row['ratio']:.0f} %"
        table.add_row(name, *map(str, (row["total"], row["killed"], share, row["equivalent"])))
    console.print(table)
    if len(results) < figures["drawn"]:
        console.print(f"{figures['drawn'] - len(results)} of {figures['drawn']} were not tried")
    for told in figures["survivors"]:
        lines = [told["at"], f"  - {told['before']}", f"  + {told['after']}"]
        lines += [f"    equivalent: {told['equivalent']}"] if "equivalent" in told else []
        console.print("\n".join(lines), markup=False, soft_wrap=True)
    for result in results:
        if result.killed and result.equivalent is not None:
            at = f"{result.mutant.file}:{result.mutant.line}"
            console.print(f"judged equivalent, yet killed: {at}", markup=False, soft_wrap=True)
