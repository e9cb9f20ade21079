# SPDX-License-Identifier: Apache-2.0
"""Runs the suites: plain `robot` on Hocket's own emulators, `renode-test` in Renode."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hocket_host.errors import HocketError
from hocket_host.missing import Missing
from hocket_tools.robot import KEYWORDS
from hocket_tools.run import BACK_ENDS as EMULATORS
from hocket_tools.run import missing as lacking_here

from .results import Result, read

#: Far above what the suites take on any back end; only one that hangs reaches it.
_LIMIT_S = 3600
_RENODE_PATH = "RENODE_PATH"
SLOW = "slow"
"""Tag of tests that take minutes."""


BACK_ENDS = (*EMULATORS, "renode")


def check_suites(suites: Path) -> None:
    """Check for a folder of suites.

    Raises
    ------
    HocketError
        It has none.
    """
    if not any(suites.glob("*.robot")):
        raise HocketError(
            "there are no suites", where=suites, found="no .robot file",
            expected="the folder robot_tests of a checkout", try_="--suites DIR",
        )  # fmt: skip


def renode_test() -> list[str] | None:
    """How Renode's own runner is called here; None where there is none."""
    own = os.environ.get(_RENODE_PATH)
    if own:
        # The folder of a package, or the program in it.
        folder = Path(own) if Path(own).is_dir() else Path(own).parent
        found = shutil.which("renode-test", path=str(folder))
        return None if found is None else [found]
    if shutil.which("renode-test"):
        return ["renode-test"]
    return ["renode-run", "test", "--"] if shutil.which("renode-run") else None


def missing(back_end: str, firmware: Path) -> Missing | None:
    """What a back end lacks here; None if nothing."""
    if not firmware.is_file():
        return Missing(f"no firmware image at {firmware}", "make firmware")
    if back_end != "renode":
        if importlib.util.find_spec("robot") is None:
            return Missing("no Robot Framework", "pip install 'hocket[test]'")
        return lacking_here(back_end)
    if renode_test() is not None:
        return None
    own = os.environ.get(_RENODE_PATH)
    if own:
        return Missing(f"no renode-test at {own}", f"set {_RENODE_PATH} to Renode's folder")
    return lacking_here("renode")


def command(back_end: str, suites: Path, results: Path, *, slow: bool) -> list[str]:
    """The command line that runs all suites."""
    files = [str(path) for path in sorted(suites.glob("*.robot"))]
    if back_end == "renode":
        runner = renode_test()
        assert runner is not None
        # Beside this interpreter, unless Hocket is not installed as a command.
        hocket = Path(sys.executable).with_name("hocket")
        given = ["--variable", f"HOCKET:{hocket}"] if hocket.is_file() else []
        return [
            *runner, "-r", str(results), *given, *([] if slow else ["--exclude", SLOW]), *files
        ]  # fmt: skip
    variables = [f"RENODEKEYWORDS:{KEYWORDS}", f"BACK_END:{back_end}"]
    return [
        *(sys.executable, "-m", "robot", "--outputdir", str(results), "--name", "Hocket"),
        *("--log", "NONE", "--report", "NONE", "--console", "quiet"),
        *([] if slow else ["--skip", SLOW]),
        *(word for variable in variables for word in ("--variable", variable)),
        *files,
    ]


def run(back_end: str, suites: Path, results: Path, *, slow: bool) -> Result:
    """Run all suites on one back end, which must be usable.

    Parameters
    ----------
    back_end
        ``unicorn``, ``qemu`` or ``renode``.
    suites
        Folder of the .robot files.
    results
        Folder for what they leave; what an earlier run left is removed.
    slow
        Whether tests with the tag ``slow`` run, too.
    """
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    try:
        done = subprocess.run(
            command(back_end, suites, results, slow=slow),
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return Result(back_end, broken=f"not finished after {_LIMIT_S} s")
    output = results / ("output.xml" if back_end != "renode" else "robot_output.xml")
    said = (done.stderr or done.stdout).strip()
    if not output.is_file():
        return Result(back_end, broken=said[-2000:] or f"exit code {done.returncode}, no message")
    found = read(back_end, output)
    if not found.tests:
        return Result(back_end, broken=said[-2000:] or "no test ran")
    return found
