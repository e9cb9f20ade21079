# SPDX-License-Identifier: Apache-2.0
"""Operators on the processor against tflite_micro, on MicroPython and on CPython."""

from __future__ import annotations

import zlib

import pytest

from hocket_tools.exactness.cases.drawn import drawn_case
from hocket_tools.operators import kinds
from hocket_tools.operators.cases import CASES, Comparison, Refused, compare
from hocket_tools.operators.check import run_on_cpython, run_on_micropython

#: Cases of one operator in the quick run.
SAMPLE = 3


def of_kind(kind: str, most: int | None) -> list[Comparison]:
    cases = sorted(
        (c for c in CASES.values() if c.op == kind), key=lambda c: zlib.crc32(c.id.encode())
    )
    found: list[Comparison] = []
    taken = 0
    for case in cases:
        ways = compare(case)
        if isinstance(ways, Refused):
            continue
        found += ways
        taken += 1
        if taken == most:
            break
    return found


def mismatches(results: list[dict[str, object]]) -> list[object]:
    return [r for r in results if r["mismatches"]]


def some_rounds(comparison: Comparison) -> dict[str, object]:
    """A job of a few inferences; one with a state begins at its beginning."""
    rounds = comparison.job["rounds"]
    return {**comparison.job, "rounds": rounds[:6] if comparison.packed.state else rounds[4:6]}


CASE_KINDS = sorted({c.op for c in CASES.values()} & set(kinds()))


@pytest.mark.parametrize("kind", CASE_KINDS)
def test_operator_equals_tflite_micro_on_micropython(kind: str) -> None:
    comparisons = of_kind(kind, SAMPLE)
    results = run_on_micropython([c.job for c in comparisons])
    assert mismatches(results) == []
    assert [r["steps"] for r in results] == [c.packed.steps for c in comparisons]


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASE_KINDS)
def test_operator_equals_tflite_micro_in_every_case(kind: str) -> None:
    assert mismatches(run_on_micropython([c.job for c in of_kind(kind, None)])) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 400, 50))
def test_operator_equals_tflite_micro_in_cases_drawn_at_random(first: int) -> None:
    ways = [compare(drawn_case(number)) for number in range(first, first + 50)]
    found = [way.job for case in ways if not isinstance(case, Refused) for way in case]
    assert mismatches(run_on_micropython(found)) == []


@pytest.mark.parametrize("kind", CASE_KINDS)
def test_operator_equals_tflite_micro_on_cpython(kind: str) -> None:
    smallest = min(of_kind(kind, SAMPLE), key=lambda c: c.packed.cycles, default=None)
    if smallest is not None:
        assert mismatches(run_on_cpython([some_rounds(smallest)])) == []
