# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.robot``: the suites on every back end that is here, as a matrix."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from hocket_host.errors import HocketError
from hocket_tools.run import BACK_ENDS
from hocket_tools.text.tables import clip, plain_table

from .fixtures import prepare
from .results import Result, report
from .runner import run

_ALL = (*BACK_ENDS, "renode")
_FIRMWARE = Path("build/firmware/corstone300/firmware.elf")
_MATERIAL = Path("build/robot")


def _show(console: Console, results: list[Result]) -> None:
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
            console.print(f"\n{result.back_end}: {name}\n{message}", markup=False, soft_wrap=True)
        if result.broken:
            said = f"\n{result.back_end} has no results: {result.broken}"
            console.print(said, markup=False, soft_wrap=True)
        if result.missing:
            said = f"{result.back_end} did not run: {result.missing}"
            console.print(said, markup=False, soft_wrap=True)


def _speed(result: Result) -> str:
    return "-" if result.guest_mips is None else f"{result.guest_mips:.1f}"


def main() -> int:
    """Run everything; 1 if a test failed or a back end that was asked for is missing."""
    parser = argparse.ArgumentParser(prog="python -m hocket_lab.robot", description=__doc__)
    parser.add_argument("--suites", type=Path, default=Path("robot_tests"), metavar="DIR")
    parser.add_argument(
        "--back-end", action="append", choices=_ALL,
        help="must be here; without, all that are here run",
    )  # fmt: skip
    parser.add_argument("--slow", action="store_true", help="tests of many minutes, too")
    parser.add_argument("--prepare", action="store_true", help="only write what the suites load")
    parser.add_argument("--output", type=Path, default=Path("build/robot.json"), metavar="FILE")
    arguments = parser.parse_args()
    console = Console()
    try:
        if not any(arguments.suites.glob("*.robot")):
            raise HocketError(
                "there are no suites", where=arguments.suites, found="no .robot file",
                expected="the folder robot_tests of a checkout", try_="--suites DIR",
            )  # fmt: skip
        prepare(_MATERIAL, arguments.suites / "applications")
    except HocketError as error:
        print(error, file=sys.stderr)
        return 2
    if arguments.prepare:
        return 0
    results = []
    for back_end in arguments.back_end or _ALL:
        with console.status(f"suites on {back_end}"):
            results.append(
                run(
                    back_end, arguments.suites, _MATERIAL / back_end, _FIRMWARE,
                    slow=arguments.slow,
                )
            )  # fmt: skip
    _show(console, results)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report(results), indent=2) + "\n")
    console.print(f"written: {arguments.output}", markup=False, soft_wrap=True)
    lacking = any(r.missing and arguments.back_end for r in results)
    nothing = not any(r.tests for r in results)
    return 1 if lacking or nothing or any(r.failed for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
