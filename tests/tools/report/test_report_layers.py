# SPDX-License-Identifier: Apache-2.0
"""Names of source operators where packing has tiled operations."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hocket_tools import container as hkt
from hocket_tools.app.application import loads
from hocket_tools.pack.pack import pack
from hocket_tools.pack.packed import Packed, open_packed
from hocket_tools.report import network
from hocket_tools.report.model import build
from hocket_tools.run.run import execute
from paths import MODELS

TEXT = """
[npu]
accelerator-config = "ethos-u55-128"
clock = "20 MHz"

[tasks.urgent]
model = "hello_world_int8.tflite"
period = "5 ms"
deadline = "1100 us"

[tasks.large]
model = "person_detect.tflite"
period = "500 ms"

[schedule]
cycles = "nominal"
"""


@pytest.fixture(scope="module")
def packed() -> Packed:
    return pack(loads(TEXT, MODELS / "app.toml"), folder=MODELS)


@pytest.fixture(scope="module")
def told(packed: Packed) -> dict[str, Any]:
    return build(packed, execute(packed, 10_000_000))


def test_tiles_bear_the_name_of_the_operator_that_they_are_tiles_of(told: dict[str, Any]) -> None:
    large = told["models"][1]
    cut = [layer for layer in large["layers"] if layer["operations"] > 2]
    assert cut
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= {layer["kind"] for layer in large["layers"]}
    names = {layer["name"] for layer in large["layers"]}
    assert all(set(segment["sources"]) <= names for segment in large["segments"])


def test_a_report_says_which_cycles_were_proved(told: dict[str, Any]) -> None:
    assert told["application"]["cycles"] == "nominal"


def test_a_container_names_its_layers_without_the_compiler(packed: Packed) -> None:
    opened = open_packed(MODELS / "app.hkt", packed.data)
    assert opened.layers == packed.layers
    assert all(kind and name for layers in opened.layers.values() for name, kind in layers)


def test_layers_of_a_container_that_does_not_name_them_are_called_as_their_steps(
    packed: Packed,
) -> None:
    notes = json.loads(packed.image.notes)
    del notes["layers"]
    older = hkt.build(replace(packed.image, notes=json.dumps(notes).encode()))
    large = network.networks(open_packed(MODELS / "app.hkt", older))[1]
    steps = {step.name for step in packed.image.models[1].steps}
    assert {work.source for work in large.work} <= steps
