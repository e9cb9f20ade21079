# SPDX-License-Identifier: Apache-2.0
"""What the hot path of the ARM image costs, measured on the bundled emulator."""

import importlib.util

import pytest

from hocket_lab.image.dispatch import measure
from paths import ELF

pytestmark = [
    pytest.mark.skipif(not ELF.is_file(), reason="no firmware image (make firmware)"),
    pytest.mark.skipif(
        importlib.util.find_spec("unicorn") is None, reason="needs hocket[emulator] (unicorn)"
    ),
]


def test_four_tasks_are_dispatched_within_600_instructions_and_without_allocating() -> None:
    report = measure(ELF, 2_000_000_000)
    assert report["dispatches"] > 500
    assert report["instructions"]["max"] <= 600
    assert report["allocations"] == 0
