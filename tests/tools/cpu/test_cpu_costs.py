# SPDX-License-Identifier: Apache-2.0
"""Costs of a board, and what packing makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hocket_lab.cpu.cases import CASES
from hocket_lab.exact.cases import BY_ID
from hocket_lab.exact.cases.drawn import drawn_case
from hocket_tools.cpu import pack, read_source, reason
from hocket_tools.cpu.costs import (
    STEP_CYCLES,
    CostError,
    Costs,
    current,
    load,
    path_of,
    using,
    work,
)


def written(folder: Path, text: str) -> Path:
    path = folder / "costs.toml"
    path.write_text(text)
    return path


def test_work_is_counted_with_the_current_costs() -> None:
    with using(Costs(Path("c"), {"dense.step": 100, "dense.product": 7})):
        assert (work("dense", step=1) + work("dense", product=3) * 2).cycles == 142


def test_unit_that_was_not_measured_is_named() -> None:
    with using(Costs(Path("c"), {})), pytest.raises(CostError, match=r"no dense\.product"):
        _ = work("dense", product=1).cycles


def test_cost_that_is_no_integer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CostError, match=r"product = 1\.5"):
        load(written(tmp_path, "[dense]\nproduct = 1.5\n"))


def test_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CostError, match="cannot be read"):
        load(written(tmp_path, "[dense\n"))


def test_slower_products_make_more_and_shorter_steps() -> None:
    source = read_source(BY_ID["fully_connected-int8-130-to-17"].model())[0]
    usual = pack(source)
    known = load(path_of())
    slow = Costs(known.path, {**known.cycles, "dense.product4": 5 * known["dense.product4"]})
    with using(slow):
        slower = pack(source)
    assert slower.steps > usual.steps
    assert slower.step_cycles <= STEP_CYCLES
    assert slower.cycles > 2 * usual.cycles


def test_costs_come_back_after_use() -> None:
    before = current()
    with using(Costs(Path("c"), {})):
        assert current() is not before
    assert current() is before


def test_no_operator_is_packed_with_a_step_beyond_the_bound() -> None:
    sources = [
        read_source(case.model())[0]
        for case in (*CASES.values(), *(drawn_case(number) for number in range(200)))
    ]
    packed = [(s.kind, pack(s)) for s in sources if reason(s) is None]
    assert len(packed) > 500
    assert [(kind, p.primitive) for kind, p in packed if p.step_cycles > STEP_CYCLES] == []
