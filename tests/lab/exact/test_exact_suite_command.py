# SPDX-License-Identifier: Apache-2.0
"""The suite counts what it compared, notices differences, and takes anybody's models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hocket_lab.exact.cases import BY_ID
from hocket_lab.exact.device import Device
from hocket_lab.exact.intermediates import compare_network
from hocket_lab.exact.suite import ExactnessReport, run_suite
from hocket_lab.exact.sweep import CaseResult, Difference, feed
from hocket_tools.reference.oracle import Oracle
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS


@pytest.fixture
def one_model(tmp_path: Path) -> Path:
    shutil.copy(MODELS / "hello_world_int8.tflite", tmp_path)
    return tmp_path


def test_a_changed_bias_is_noticed_in_the_tensor_that_it_changes() -> None:
    case = BY_ID["conv_2d-int8-3x3"]
    model = case.model()
    compiled = compile_model(model, VelaOptions("ethos-u55-128"))
    scales = compiled.stream.operations[-1].scales()
    assert scales is not None
    changed = bytearray(compiled.read_only)
    changed[scales.start + 1] ^= 0x7F
    compiled = replace(compiled, read_only=bytes(changed))
    oracle = Oracle(model)
    found = compare_network(compiled, Device(compiled), oracle, feed(oracle.source, case)[-1])
    assert found.mismatches == 1
    assert "expected" in found.tensors[0].detail


def test_figures_count_models_tensors_and_cases(one_model: Path) -> None:
    report = run_suite(one_model, accelerators=["ethos-u55-64"], case_accelerators=[])
    assert report.figures() == {
        "models": 1,
        "model_runs": 1,
        "tensors": 3,
        "mismatches": 0,
        "one_operator_cases": 0,
        "one_operator_mismatches": 0,
        "pinned_exceptions": 0,
    }


def test_progress_names_what_is_compared(one_model: Path) -> None:
    said: list[str] = []
    run_suite(
        one_model,
        lambda text, done, total: said.append(f"{text}, {done} of {total}"),
        accelerators=["ethos-u55-64"],
        case_accelerators=[],
    )
    assert said == ["hello_world_int8 on ethos-u55-64, 0 of 1"]


def test_a_difference_that_is_not_pinned_is_a_mismatch() -> None:
    result = CaseResult("c", "ethos-u55-128", 1, (Difference(0, 0, 0, 1, 2),))
    assert ExactnessReport(cases=(result,)).one_operator_mismatches == 1


def test_the_command_prints_a_table_and_writes_the_figures(
    one_model: Path, tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    output = tmp_path / "build" / "exact.json"
    words = ("--models", one_model, "--accelerator", "ethos-u55-128", "--no-cases")
    said = hocket("lab", "exact", *words, "--output", output)
    assert said.code == 0
    assert "hello_world_int8" in said.out
    written = json.loads(output.read_text())
    assert (written["models"], written["mismatches"], written["refused"]) == (1, 0, [])


def test_nothing_to_compare_is_an_error(tmp_path: Path, hocket: Callable[..., Any]) -> None:
    said = hocket("lab", "exact", "--models", tmp_path)
    assert said.code == 2
    assert "no .tflite file" in said.err
    assert "--models DIR" in said.err


def test_models_that_all_stay_off_the_npu_are_an_error(
    tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    shutil.copy(MODELS / "mww_alexa.tflite", tmp_path)
    words = ("--models", tmp_path, "--accelerator", "ethos-u55-128", "--no-cases")
    said = hocket("lab", "exact", *words)
    assert said.code == 2
    assert "no network was compared" in said.err


@pytest.mark.parametrize(
    "arguments",
    [["--accelerator", "ethos-u99"], ["--models", "no/such/directory", "--no-cases"]],
)
def test_the_command_explains_wrong_arguments(
    arguments: list[str], hocket: Callable[..., Any]
) -> None:
    said = hocket("lab", "exact", *arguments)
    assert said.code == 2
    assert "expected" in said.err


def test_inputs_reach_both_ends_of_the_range() -> None:
    case = BY_ID["conv_2d-int16-3x3"]
    oracle = Oracle(case.model())
    values = np.concatenate([inputs[0].reshape(-1) for inputs in feed(oracle.source, case)])
    assert values.min() == -32768
    assert values.max() == 32767
