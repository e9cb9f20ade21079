# SPDX-License-Identifier: Apache-2.0
"""The image with 64 KiB of heap runs the keyword spotter."""

from __future__ import annotations

import pytest

from hocket_lab.image.small import run_keyword_spotter
from hocket_tools.image import ArmImage
from hocket_tools.image.build import SMALL_HEAP


@pytest.mark.needs("unicorn")
def test_the_keyword_spotter_runs_on_64_kib_of_heap_and_leaves_half_of_it(
    images: list[ArmImage],
) -> None:
    small = next(image for image in images if image.heap == SMALL_HEAP == 65536)
    found = run_keyword_spotter(small.elf)
    # A release comes every 20 ms.
    assert found.jobs > 40
    assert found.used + found.free <= SMALL_HEAP
    assert found.free >= SMALL_HEAP // 2
