# SPDX-License-Identifier: Apache-2.0
"""`hocket lab mutants`: how many broken sources the tests of their own room notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[3]


def register(app: typer.Typer) -> None:
    """Add the subcommand."""

    @app.command()
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
            float | None,
            typer.Option(metavar="MINUTES", help="Begin no more trials after this long."),
        ] = None,
        fresh: Annotated[bool, typer.Option(help="Forget how earlier trials ended.")] = False,
        least: Annotated[
            float, typer.Option(min=0, max=1, help="Share to be killed; with less it fails.")
        ] = 0.85,
        output: Annotated[Path, typer.Option(metavar="FILE")] = Path("build/mutants.json"),
        json_: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    ) -> None:
        """Break the sources at one place, run the room's own tests, and count who notices.

        A second run takes up what is left of the first: verdicts are kept in build/mutants as long
        as the broken source and the tests that decided stay the same.
        """
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        from . import campaign, known, report
        from .mutant import Mutant, draw
        from .rooms import ROOMS, Room
        from .show import show
        from .trial import Verdict

        names = [one.name for one in ROOMS]
        unknown = [name for name in room or () if name not in names]
        if unknown:
            raise typer.BadParameter(f"no room {unknown[0]!r} among {', '.join(names)}")
        rooms = [one for one in ROOMS if not room or one.name in room]
        drawn = draw(rooms, ROOT, sample or None, seed)
        if not drawn:
            raise typer.BadParameter("there are no sources here: run it in a checkout")
        work = ROOT / "build" / "mutants"
        verdicts = work / "verdicts.json"
        if fresh:
            verdicts.unlink(missing_ok=True)
        judged = known.equivalents(ROOT)
        results = []
        console, errors = Console(highlight=False, soft_wrap=True), Console(stderr=True)
        columns = (*Progress.get_default_columns()[:1], BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=errors) as progress:
            bar = progress.add_task("unbroken", total=len(drawn))

            def tell(what: Mutant | Room, verdict: Verdict) -> None:
                if isinstance(what, Room):
                    seconds = sum(verdict.seconds.values())
                    progress.console.print(f"{what.name}: {len(verdict.seconds)} tests, {seconds:.0f} s")
                    return
                progress.update(bar, advance=1, description=f"{what.file}:{what.line}")
                if not verdict.killer:
                    progress.console.print(
                        f"survives {what.file}:{what.line}: {what.after}", markup=False
                    )

            for mutant, verdict in campaign.run(
                ROOT, work, drawn, known.Past(ROOT, verdicts),
                jobs=jobs, budget_s=None if budget is None else 60 * budget, report=tell,
            ):  # fmt: skip
                key = (mutant.file, mutant.before, mutant.after)
                results.append(report.Result(mutant, verdict, judged.get(key)))
        found = report.figures(results, seed=seed, wanted=len(drawn))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        if json_:
            print(json.dumps(found, indent=1))
        else:
            show(console, results, found)
            console.print(f"wrote {output}")
        if found["ratio"] < least:
            raise typer.Exit(1)
