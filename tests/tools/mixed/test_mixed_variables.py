# SPDX-License-Identifier: Apache-2.0
"""Resource variables in any order of reads and assignments, against tflite_micro's own run."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import application, verified
from variables import variable_model

from hocket_tools.vela import VelaOptions, compile_network


def kinds(plan: str) -> list[str]:
    parts = compile_network(variable_model(plan), VelaOptions("ethos-u55-128")).cpu_operators
    return [part.source.kind for part in parts if part.source.kind != "GATHER"]


@pytest.mark.parametrize(
    "plan",
    [
        "conv, read v, mix, assign v, conv",
        "conv, assign v, conv, read v, mix, conv",
        "read v, mix, conv, assign w, read w, mix, conv, assign v",
        "conv, read v, mix, assign v, conv, read v, mix, conv",
        "conv, read v, mix, assign v, conv, assign v",
        "conv, assign v",
        "read a, mix, conv, read b, mix, assign a, conv, assign b",
        "read v, conv, assign v, gather, conv, mix, conv",
        "read v, conv, gather, assign v, conv, gather, mix",
        "read v, assign v, gather, gather, mix",
        "read a, read b, gather, assign a, assign b, mix, conv",
    ],
)
def test_variables_are_exact_in_this_order(tmp_path: Path, plan: str) -> None:
    verified(application(tmp_path, {"a": (variable_model(plan), "")}), 8)


def test_a_value_that_was_just_assigned_is_not_read_back() -> None:
    assert kinds("conv, assign v, conv, read v, mix, conv") == ["ASSIGN_VARIABLE"]


def test_only_the_last_assignment_remains() -> None:
    found = kinds("conv, read v, mix, assign v, conv, assign v")
    assert found == ["READ_VARIABLE", "ASSIGN_VARIABLE"]


def test_a_value_read_after_vela_has_it_overwritten_is_put_aside() -> None:
    # Once to put it aside, once where Vela has the read.
    found = kinds("read v, assign v, gather, gather, mix")
    assert found == ["READ_VARIABLE", "ASSIGN_VARIABLE", "READ_VARIABLE"]
