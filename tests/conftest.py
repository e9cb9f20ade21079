# SPDX-License-Identifier: Apache-2.0
"""The suite's own settings: Hypothesis's profiles, what tests need, what was skipped and why."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from commands import hocket  # noqa: F401
from hocket_tools.image import ArmImage, built
from paths import ELF, OUTPUT
from rigs.needs import need, required

#: Examples differ from run to run, and one that failed is tried again first.
settings.register_profile("hocket", deadline=None)
#: Two runs are the same, and leave nothing behind.
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
#: For mutants, of which only is asked whether they fail.
settings.register_profile(
    "mutants", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate)
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "hocket")
)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse requirements that are none before anything runs."""
    required()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hold a test against what it needs."""
    for mark in item.iter_markers("needs"):
        need(*mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, a line a reason."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in reports)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")


@pytest.fixture(scope="session")
def elf() -> Path:
    """The ARM image, which `make firmware` built."""
    need("image")
    return ELF


@pytest.fixture(scope="session")
def images() -> list[ArmImage]:
    """That image and the one for a small heap, with their sizes."""
    need("image", "gcc-arm")
    return built(OUTPUT)
