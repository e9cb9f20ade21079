# SPDX-License-Identifier: Apache-2.0
"""Costs of units from measurements: upper bounds, and tight where the measurements allow it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_lab.profile.fit import FitError, fit

UNITS = ("step", "product", "output")

rows = st.lists(
    st.tuples(
        st.fixed_dictionaries({name: st.integers(0, 5000) for name in UNITS}),
        st.integers(1, 10**8),
    ).filter(lambda row: any(row[0].values())),
    min_size=1,
    max_size=40,
)


@given(rows)
def test_no_measurement_is_above_its_estimate(measured: list[tuple[dict[str, int], int]]) -> None:
    counts = [row for row, _ in measured]
    cycles = [taken for _, taken in measured]
    costs = fit(counts, cycles)
    assert all(cost >= 0 for cost in costs.values())
    for row, taken in measured:
        assert sum(costs.get(name, 0) * n for name, n in row.items()) >= taken


@given(st.integers(100, 9000), st.integers(10, 900), st.integers(10, 900))
def test_exact_linear_costs_are_found_again(step: int, product: int, output: int) -> None:
    counts = [
        {"step": s, "product": p, "output": o}
        for s, p, o in ((1, 1, 1), (1, 1000, 1), (1, 1, 1000), (20, 1, 1), (3, 70, 12))
    ]
    cycles = [c["step"] * step + c["product"] * product + c["output"] * output for c in counts]
    costs = fit(counts, cycles, margin_percent=0)
    # Rounding up, and no more.
    assert [costs[n] - true for n, true in zip(UNITS, (step, product, output), strict=True)] == [
        pytest.approx(0, abs=1)
    ] * 3


def test_margin_is_added() -> None:
    assert fit([{"step": 1}], [1000], margin_percent=5) == {"step": 1050}


def test_measurement_without_units_is_refused() -> None:
    with pytest.raises(FitError, match="units in every one"):
        fit([{"step": 1}, {}], [10, 20])
