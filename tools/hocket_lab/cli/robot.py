# SPDX-License-Identifier: Apache-2.0
"""`hocket lab robot`: the acceptance suites on every back end, as a matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hocket_tools.text.tables import clip, plain_table

from ..checkout import FIRMWARE
from .figures import AsJson, Output, deliver, progress

if TYPE_CHECKING:
    from ..robot.results import Result

_FIXTURES = Path("build/robot")


def robot(
    suites: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the suites.")] = Path(
        "robot_tests"
    ),
    back_end: Annotated[
        list[str] | None,
        typer.Option(
            help="unicorn, qemu or renode, which must be installed; may be repeated. By "
            "default all that are."
        ),
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Run tests of many minutes, too.")] = False,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only write what the suites load.")
    ] = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Run the acceptance suites on every back end.

    Exit code 1 if a test failed, no test ran, or a back end that was asked for is missing.
    """
    from ..needs import choose
    from ..robot import runner
    from ..robot.fixtures import prepare as write_fixtures
    from ..robot.results import Result
    from ..robot.results import report as figures_of

    runner.check_suites(suites)
    missing = {name: runner.missing(name, FIRMWARE) for name in runner.BACK_ENDS}
    chosen, lacking = ([], {}) if prepare else choose("--back-end", back_end, missing)
    with progress("packing what the suites load") as report:
        write_fixtures(_FIXTURES, suites / "applications")
        if prepare:
            return
        results = []
        for number, name in enumerate(chosen):
            report(f"suites on {name}", number, len(chosen))
            results.append(runner.run(name, suites, _FIXTURES / name, slow=slow))
    results += [Result(name, missing=why) for name, why in lacking.items()]
    deliver(
        figures_of(results), lambda console: _show(console, results),
        output=output, as_json=as_json,
    )  # fmt: skip
    if not any(result.tests for result in results) or any(result.failed for result in results):
        raise typer.Exit(1)


def _show(console: Console, results: list[Result]) -> None:
    def line(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    names = list(dict.fromkeys(name for result in results for name in result.tests))
    ran = [result for result in results if result.missing is None]
    if names:
        table = plain_table("test", *(result.back_end for result in ran))
        width = max(console.width - 9 * len(ran), 20)
        for name in names:
            table.add_row(clip(name, width), *(r.tests.get(name, "-") for r in ran))
        table.add_row("million guest instructions a second", *(_speed(r) for r in ran))
        console.print(table)
    for result in results:
        for name, message in result.messages.items():
            line(f"\n{result.back_end}: {name}\n{message}")
        if result.broken:
            line(f"\n{result.back_end} has no results: {result.broken}")
        if result.missing:
            line(f"{result.back_end} did not run: {result.missing}")


def _speed(result: Result) -> str:
    return "-" if result.guest_mips is None else f"{result.guest_mips:.1f}"
