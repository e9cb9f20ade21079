# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_tools.robot``: the suites on every back end that is here, as a matrix."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ..emulate import BACK_ENDS
from ..emulate import missing as lacking_here
from ..tables import clip, plain_table
from .material import prepare

_KEYWORDS = Path(__file__).with_name("keywords.robot")
#: Far above what the suites take on any back end; only one that hangs reaches it.
_LIMIT_S = 600
_FIRMWARE = Path("build/firmware/corstone300/firmware.elf")


@dataclass(frozen=True)
class Result:
    """Suites on one back end."""

    back_end: str
    tests: dict[str, str]
    """PASS, FAIL or SKIP by suite and test."""
    missing: str | None = None
    """Why it did not run."""

    def count(self, status: str) -> int:
        """Tests of one status."""
        return sum(found == status for found in self.tests.values())


def missing(back_end: str) -> str | None:
    """What a back end lacks here, and how to get it."""
    if not _FIRMWARE.is_file():
        return "no firmware image: make firmware"
    if back_end == "renode" and not any(map(shutil.which, ("renode-test", "renode-run"))):
        return "no Renode: pip install git+https://github.com/antmicro/renode-run"
    return None if back_end == "renode" else lacking_here(back_end)


def _command(back_end: str, suites: Path, results: Path) -> list[str]:
    common = ["--outputdir" if back_end != "renode" else "-r", str(results)]
    if back_end != "renode":
        variables = [f"RENODEKEYWORDS:{_KEYWORDS}", f"BACK_END:{back_end}"]
        given = [word for variable in variables for word in ("--variable", variable)]
        quiet = ["--log", "NONE", "--report", "NONE", "--console", "quiet"]
        return [sys.executable, "-m", "robot", *quiet, *common, *given, str(suites)]
    files = [str(path) for path in sorted(suites.glob("*.robot"))]
    if shutil.which("renode-test"):
        return ["renode-test", *common, *files]
    return ["renode-run", "test", "--", *common, *files]


def run(back_end: str, suites: Path, results: Path) -> Result:
    """Run all suites on one back end."""
    lacking = missing(back_end)
    if lacking is not None:
        return Result(back_end, {}, lacking)
    try:
        done = subprocess.run(
            _command(back_end, suites, results),
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return Result(back_end, {"all suites": "FAIL"}, f"not finished after {_LIMIT_S} s")
    output = results / ("output.xml" if back_end != "renode" else "robot_output.xml")
    if not output.is_file():
        return Result(back_end, {}, (done.stderr or done.stdout).strip()[-500:])
    tests = {}
    for suite in ET.parse(output).getroot().iter("suite"):
        for test in suite.findall("test"):
            status = test.find("status")
            assert status is not None
            tests[f"{suite.get('name')}: {test.get('name')}"] = status.get("status", "FAIL")
            if status.get("status") == "FAIL":
                print(f"{back_end}: {test.get('name')}: {(status.text or '').strip()}")
    return Result(back_end, tests)


def report(results: list[Result]) -> dict[str, Any]:
    """Counts by back end."""
    return {
        result.back_end: {
            "passed": result.count("PASS"),
            "failed": result.count("FAIL"),
            "skipped": result.count("SKIP"),
            "missing": result.missing,
        }
        for result in results
    }


def main() -> int:
    """Run everything; 1 if a test failed or a required back end is missing."""
    parser = argparse.ArgumentParser(prog="python -m hocket_tools.robot", description=__doc__)
    parser.add_argument("--suites", type=Path, default=Path("robot_tests"), metavar="DIR")
    parser.add_argument("--back-end", action="append", choices=[*BACK_ENDS, "renode"])
    parser.add_argument("--require", action="append", default=[], metavar="BACK_END")
    parser.add_argument("--output", type=Path, default=Path("build/robot.json"), metavar="FILE")
    arguments = parser.parse_args()
    console = Console()
    prepare(Path("build/robot"))
    results = []
    for back_end in arguments.back_end or [*BACK_ENDS, "renode"]:
        with console.status(f"suites on {back_end}"):
            results.append(run(back_end, arguments.suites, Path("build/robot") / back_end))
    names = sorted({name for result in results for name in result.tests})
    table = plain_table("test", *(result.back_end for result in results))
    for name in names:
        verdicts = (result.tests.get(name, "-") for result in results)
        table.add_row(clip(name, max(console.width - 30, 20)), *verdicts)
    console.print(table)
    for result in results:
        if result.missing:
            console.print(f"{result.back_end} did not run: {result.missing}", markup=False)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report(results), indent=2) + "\n")
    lacking = any(r.missing and r.back_end in arguments.require for r in results)
    return 1 if lacking or any(r.count("FAIL") for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
