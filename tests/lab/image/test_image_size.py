# SPDX-License-Identifier: Apache-2.0
"""Flash and heap stay within what the documents promise."""

from __future__ import annotations

import pytest

from hocket_lab.image.size import SizeReport, measure
from hocket_tools.image import ArmImage
from rigs.needs import need


@pytest.fixture(scope="module")
def report(images: list[ArmImage]) -> SizeReport:
    need("qemu-arm")
    return measure(images[0])


def test_the_frozen_package_fits_into_48_kib_of_flash(report: SizeReport) -> None:
    assert 16 * 1024 < report.flash_hocket_bytes <= 48 * 1024, (
        f"{report}\nmove what few applications need out of the frozen package, or shorten it"
    )


def test_kernel_and_dispatcher_of_four_tasks_fit_into_16_kib_of_heap(report: SizeReport) -> None:
    assert 4 * 1024 < report.heap_kernel_bytes <= 16 * 1024, (
        f"{report}\na global of a module takes 8 bytes, and their table grows in steps; a class "
        "costs some 200, an instance with __slots__ least; import in functions what few need"
    )


def test_the_parts_of_the_heap_are_named(report: SizeReport) -> None:
    assert {"kernel.py", "dispatch.py", "trace's ring", "kernel with tasks"} <= set(
        report.heap_parts
    )
    assert "kernel with tasks" in str(report)


def test_the_heap_is_the_sum_of_its_parts(report: SizeReport) -> None:
    assert report.heap_kernel_bytes == sum(report.heap_parts.values())


def test_a_budget_that_is_exceeded_is_told() -> None:
    assert SizeReport(48 * 1024 + 1, 1, 1, 1, 1).over_budget
    assert SizeReport(1, 16 * 1024 + 1, 1, 1, 1).over_budget
    assert not SizeReport(48 * 1024, 16 * 1024, 1, 1, 1).over_budget
