# SPDX-License-Identifier: Apache-2.0
"""Operators on the processor against tflite_micro, on MicroPython and on CPython."""

from __future__ import annotations

import pytest
from comparing import CASE_KINDS, mismatches, of_kind, some_rounds

from hocket_lab.cpu.cases import Refused, compare
from hocket_lab.cpu.check import run_on_cpython, run_on_micropython
from hocket_lab.exact.cases.drawn import drawn_case

#: Cases of one operator in the quick run.
SAMPLE = 3


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
