# SPDX-License-Identifier: Apache-2.0
"""A room's tests, run until the first fails, in a process of their own that was prepared before.

Most of a short test run is the import of NumPy, Numba and other packages; so they are imported
once, and each trial is a fork. Nothing of Hocket is imported before the fork.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from . import tree

_PACKAGES = (
    *("pytest", "numpy", "numba", "construct", "pydantic", "flatbuffers", "typer", "rich.console"),
    *("tflite_micro", "ethosu.vela.vela", "hypothesis.strategies"),
)
#: Bytes of memory that a trial may take: a broken loop may fill a list.
_MEMORY = 6 << 30
#: Of what a test took unbroken, before it counts as one that does not end; at least the seconds.
_SLOWER, _LEAST_S = 8.0, 2.0
#: A test that takes longer waits for all that do not.
_QUICK_S = 0.5
#: Seconds on the wall after which a trial that waits for something is killed.
_WALL_S = 1200.0


@dataclass(frozen=True)
class Verdict:
    """How a trial ended."""

    killer: str
    """The test that failed; empty if none did."""
    how: str
    """passed, failed, timeout, or crashed."""
    seconds: Mapping[str, float]
    """Of the processor that each test took."""


def prepare() -> None:
    """Import what all trials import."""
    for name in _PACKAGES:
        import_module(name)


def run(
    top: Path, files: Sequence[str], order: Mapping[str, float], usual: Mapping[str, float]
) -> Verdict:
    """Run tests of a copy in a fork.

    Parameters
    ----------
    top
        Top folder of the copy.
    files
        Files of tests.
    order
        Tests with a smaller value run first, file by file: first those below half a second of each.
    usual
        Seconds of the processor that each test takes if nothing is broken, which bound it.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            _trial(top, files, _Watch(write, order, usual))
        finally:
            os._exit(1)
    os.close(write)
    told, ended = _listen(read, child)
    _, status = os.waitpid(child, 0)
    return _verdict(told, status if ended else -1)


def _listen(read: int, child: int) -> tuple[bytes, bool]:
    """All that the fork tells, and whether it came to an end by itself."""
    told, until = b"", monotonic() + _WALL_S
    while True:
        ready, _, _ = select.select([read], [], [], max(until - monotonic(), 0))
        if not ready:
            os.killpg(child, signal.SIGKILL)
            return told, False
        data = os.read(read, 1 << 16)
        if not data:
            os.close(read)
            return told, True
        told += data


def _verdict(told: bytes, status: int) -> Verdict:
    seconds: dict[str, float] = {}
    begun = killer = ""
    for line in told.decode().splitlines():
        word, name, *rest = line.split("\t")
        if word == "begin":
            begun = name
        elif word == "took":
            seconds[name] = float(rest[0])
        elif word == "failed":
            killer = killer or name
    if killer:
        return Verdict(killer, "failed", seconds)
    if status == -1 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGVTALRM):
        return Verdict(begun, "timeout", seconds)
    if status != 0:
        return Verdict(begun or "collection", "crashed", seconds)
    return Verdict("", "passed", seconds)


def _trial(top: Path, files: Sequence[str], watch: _Watch) -> None:
    """In the fork."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.chdir(top)
    paths = [str(top / part) for part in tree.IMPORTED]
    sys.path[:0] = paths
    os.environ.update(
        PYTHONPATH=os.pathsep.join(paths),
        HYPOTHESIS_PROFILE="mutants",
        HOCKET_TESTS_REQUIRE="",
    )
    # Whatever was compiled is found there by the next trial; `tree.broken` sees to the mutant.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in [name for name in sys.modules if name.partition(".")[0].startswith("hocket")]:
        del sys.modules[name]
    import pytest

    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "timeout=0"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is imported already
    os._exit(int(pytest.main([*options, *files], plugins=[watch])))


class _Watch:
    """Orders the tests, bounds each, and tells which is at work."""

    def __init__(self, write: int, order: Mapping[str, float], usual: Mapping[str, float]) -> None:
        self._write = write
        self._order = order
        self._usual = usual
        self._begun_s = 0.0

    def _tell(self, *words: str) -> None:
        os.write(self._write, ("\t".join(words) + "\n").encode())

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        place = {item.nodeid: self._order.get(item.nodeid, 0.0) for item in items}
        files: dict[tuple[bool, str], float] = {}

        def tier(item: Any) -> tuple[bool, str]:
            return place[item.nodeid] > _QUICK_S, str(item.path)

        for item in items:
            files[tier(item)] = min(files.get(tier(item), _WALL_S), place[item.nodeid])

        def key(item: Any) -> tuple[bool, float, str, float]:
            slow, file = tier(item)
            return slow, files[slow, file], file, place[item.nodeid]

        items.sort(key=key)

    def pytest_runtest_logstart(self, nodeid: str, location: object) -> None:
        self._tell("begin", nodeid)
        self._begun_s = process_time()
        if self._usual:
            most = max(_SLOWER * self._usual.get(nodeid, 0.0), _LEAST_S)
            signal.setitimer(signal.ITIMER_VIRTUAL, most)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._tell("failed", report.nodeid)
        if report.when == "teardown":
            self._tell("took", report.nodeid, f"{process_time() - self._begun_s:.3f}")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._tell("failed", f"{report.nodeid} (collection)")
