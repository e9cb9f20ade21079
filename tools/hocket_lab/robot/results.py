# SPDX-License-Identifier: Apache-2.0
"""What the suites came to on each back end: verdicts, speed, and a digest of all that was said."""

from __future__ import annotations

import hashlib
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hocket_tools.robot.guest_speed import SPEED


@dataclass(frozen=True)
class Result:
    """Suites on one back end."""

    back_end: str
    tests: dict[str, str] = field(default_factory=dict)
    """PASS, FAIL or SKIP by suite and test."""
    messages: dict[str, str] = field(default_factory=dict)
    """What failed tests say."""
    missing: str | None = None
    """Why it did not run."""
    broken: str | None = None
    """Why it ran without results."""
    guest_mips: float | None = None
    """Million guest instructions a second of the host, the NPU's model included."""
    console_sha256: str | None = None
    """Of all UART logs: the same for two runs, as virtual time is."""

    def count(self, status: str) -> int:
        """Tests of one status."""
        return sum(found == status for found in self.tests.values())

    @property
    def failed(self) -> int:
        """Failed tests; a run without results counts as one."""
        return self.count("FAIL") + (self.broken is not None)


def read(back_end: str, output: Path) -> Result:
    """Results from Robot's output.xml and what lies beside it.

    Parameters
    ----------
    back_end
        Which one ran.
    output
        Path of the output.xml.
    """
    tests, messages = {}, {}
    for suite, test in _tests(ET.parse(output).getroot(), ()):
        status = test.find("status")
        verdict = "FAIL" if status is None else status.get("status", "FAIL")
        name = f"{suite}: {test.get('name')}"
        tests[name] = verdict
        if status is not None and verdict == "FAIL":
            messages[name] = (status.text or "").strip()
    folder = output.parent
    return Result(
        back_end, tests, messages, guest_mips=_mips(folder), console_sha256=_digest(folder)
    )


def _tests(element: ET.Element, suites: tuple[str, ...]) -> Iterator[tuple[str, ET.Element]]:
    """Tests with the name of their own suite."""
    for suite in element.findall("suite"):
        yield from _tests(suite, (*suites, suite.get("name", "")))
    for test in element.findall("test"):
        yield suites[-1], test


def _mips(folder: Path) -> float | None:
    path = folder / SPEED
    if not path.is_file():
        return None
    speed: dict[str, float | None] = json.loads(path.read_text())
    instructions, wall_s = speed["instructions"], speed["wall_s"]
    if instructions is None or not wall_s:
        return None
    return round(instructions / wall_s / 1e6, 2)


def _digest(folder: Path) -> str | None:
    logs = sorted((folder / "uart").glob("*.log"))
    if not logs:
        return None
    digest = hashlib.sha256()
    for log in logs:
        digest.update(log.name.encode() + b"\0" + log.read_bytes() + b"\0")
    return digest.hexdigest()


def report(results: list[Result]) -> dict[str, Any]:
    """Figures by back end."""
    return {
        result.back_end: {
            "passed": result.count("PASS"),
            "failed": result.failed,
            "skipped": result.count("SKIP"),
            "guest_mips": result.guest_mips,
            "console_sha256": result.console_sha256,
            "missing": result.missing,
        }
        for result in results
    }
