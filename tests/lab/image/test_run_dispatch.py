# SPDX-License-Identifier: Apache-2.0
"""What the hot path of the ARM image costs, measured on the bundled emulator."""

from pathlib import Path

import pytest

from hocket_lab.image.dispatch import measure


@pytest.mark.needs("unicorn")
def test_four_tasks_are_dispatched_within_600_instructions_and_without_allocating(
    elf: Path,
) -> None:
    report = measure(elf, 2_000_000_000)
    assert report["dispatches"] > 500
    assert report["instructions"]["max"] <= 600
    assert report["allocations"] == 0
