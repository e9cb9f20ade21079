# SPDX-License-Identifier: Apache-2.0
"""`hocket profile` on the ARM image: costs that it writes are read again, and are upper bounds."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hocket_lab.profile.costs_file import toml
from hocket_lab.profile.measure import costs_from, measure
from hocket_tools.cli import app
from hocket_tools.cpu.costs import Costs, load, path_of

needs_image = pytest.mark.needs("image", "unicorn")


def test_costs_are_read_as_they_were_written(tmp_path: Path) -> None:
    known = load(path_of())
    path = tmp_path / "costs.toml"
    path.write_text(toml(known))
    assert load(path).cycles == known.cycles


@needs_image
def test_command_measures_some_cases_and_keeps_the_other_costs(elf: Path, tmp_path: Path) -> None:
    output = tmp_path / "costs.toml"
    arguments = ["profile", "--firmware", str(elf), "--cases", "relu6-int8", "--passes", "1"]
    run = CliRunner().invoke(app, [*arguments, "--costs", str(output)])
    assert run.exit_code == 0, run.output
    assert "RELU6" in run.output
    written, known = load(output), load(path_of())
    assert written["dense.product4"] == known["dense.product4"]
    assert 20 < written["table.byte"] + written["table.step"] // 100 < 1000


@needs_image
def test_fitted_costs_bound_what_was_measured(elf: Path) -> None:
    measured = measure(elf, "fully_connected-int8-1")
    costs = costs_from(measured, Costs(Path("none"), load(path_of()).cycles))
    assert measured
    for one in measured:
        estimate = sum(costs[unit] * n for unit, n in one.spent.total.counts.items() if n)
        assert one.cycles <= estimate <= 2 * one.cycles


def test_board_without_costs_is_told(tmp_path: Path) -> None:
    board = tmp_path / "board.py"
    board.write_text(Path(path_of().parent / "board.py").read_text())
    run = CliRunner().invoke(app, ["profile", "--board", str(tmp_path)])
    assert run.exit_code != 0
    assert "costs cannot be read" in str(run.exception)
