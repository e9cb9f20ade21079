# SPDX-License-Identifier: Apache-2.0
"""Operators on the ARM image, on the bundled emulator, against tflite_micro."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from comparing import CASE_KINDS, mismatches, of_kind

from hocket_lab.cpu.arm import ArmError, run_on_arm
from hocket_lab.cpu.cases import CASES, Comparison, compare

pytestmark = pytest.mark.needs("unicorn")


def smallest(kind: str) -> list[Comparison]:
    cheapest = min(of_kind(kind, 4), key=lambda c: c.packed.cycles, default=None)
    return [] if cheapest is None else [cheapest]


@pytest.fixture(scope="module")
def measured(elf: Path) -> list[tuple[Comparison, dict[str, Any]]]:
    chosen = [way for kind in CASE_KINDS for way in smallest(kind)]
    return list(zip(chosen, run_on_arm([way.job for way in chosen], elf), strict=True))


Measured = list[tuple[Comparison, dict[str, Any]]]


def test_one_case_of_every_operator_is_exact_on_the_image(measured: Measured) -> None:
    assert mismatches([result for _, result in measured]) == []
    assert [r["steps"] for _, r in measured] == [way.packed.steps for way, _ in measured]


def test_no_step_is_longer_than_it_was_packed_for(measured: Measured) -> None:
    assert [
        (r["id"], r["step_cycles"], way.packed.step_cycles)
        for way, r in measured
        if r["step_cycles"] > way.packed.step_cycles
    ] == []


def test_no_inference_is_longer_than_it_was_packed_for(measured: Measured) -> None:
    assert [
        (r["id"], r["cycles"], way.packed.cycles)
        for way, r in measured
        if r["cycles"] > way.packed.cycles
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASE_KINDS)
def test_operator_is_exact_on_the_image_in_every_case(elf: Path, kind: str) -> None:
    found = of_kind(kind, None)
    results = run_on_arm([c.job for c in found], elf)
    assert mismatches(results) == []
    for comparison, result in zip(found, results, strict=True):
        assert result["step_cycles"] <= comparison.packed.step_cycles, result["id"]
        assert result["cycles"] <= comparison.packed.cycles, result["id"]


def test_wrong_expectation_is_reported_with_its_place(elf: Path) -> None:
    job = _job("relu-int8-plain")
    given, (name, want) = job["rounds"][0][0], next(iter(job["rounds"][0][1].items()))
    changed = f"{int(want[2:4], 16) ^ 1:02x}"
    job["rounds"] = [[given, {name: want[:2] + changed + want[4:]}]]
    (result,) = run_on_arm([job], elf)
    assert result["mismatches"] == 1
    assert result["first"] == [0, 1, int(want[2:4], 16), int(changed, 16)]


def test_operator_that_would_write_beyond_its_memory_is_refused_on_the_image(
    elf: Path,
) -> None:
    job = _job("relu-int8-plain")
    name = next(iter(job["rounds"][0][1]))
    job["tensors"][name] -= 4
    job["rounds"] = [[given, {}] for given, _ in job["rounds"]]
    with pytest.raises(ArmError, match="252 bytes, accesses to 256"):
        run_on_arm([job], elf)


def _job(name: str) -> dict[str, Any]:
    ways = compare(CASES[name])
    assert isinstance(ways, list)
    job = ways[0].job
    return {**job, "tensors": dict(job["tensors"])}
