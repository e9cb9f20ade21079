# SPDX-License-Identifier: Apache-2.0
"""Reports of networks that are partly on the processor."""

from __future__ import annotations

from typing import Any

import pytest

from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.report.model import build
from hocket_tools.run.run import execute
from paths import MODELS

TEXT = '[tasks.alexa]\nmodel = "mww_alexa.tflite"\nperiod = "30 ms"\n'


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    packed = pack(loads(TEXT, MODELS / "app.toml"))
    found: dict[str, Any] = build(packed, execute(packed, 40_000_000))["models"][0]
    return found


def test_steps_of_the_processor_are_among_the_segments_bound_by_it(told: dict[str, Any]) -> None:
    bound = [segment["limits"] for segment in told["segments"]]
    assert [set(limits) == {"processor"} for limits in bound] == [True] * 6 + [False] + [True] * 6


def test_layers_are_named_by_the_source_model(told: dict[str, Any]) -> None:
    assert "CONV_2D" in {layer["kind"] for layer in told["layers"]}


def test_what_the_processor_reads_after_the_npu_is_live_until_then(told: dict[str, Any]) -> None:
    # The state of six layers lies in the arena, and its successor until it is assigned.
    state = sum(t["size"] for t in told["arena"]["tensors"] if t["use"] == "state")
    assert state == 3024
    assert told["segments"][7]["live_bytes"] >= state


def test_layers_on_the_processor_are_bound_by_it(told: dict[str, Any]) -> None:
    on_cpu = [layer for layer in told["layers"] if set(layer["limits"]) == {"processor"}]
    assert len(on_cpu) == 12
    assert all(layer["kind"] and layer["cycles"] > 0 for layer in on_cpu)
    segments = told["segments"]
    assert all(segments[layer["first_segment"]]["name"] == layer["name"] for layer in on_cpu)
