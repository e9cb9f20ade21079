# SPDX-License-Identifier: Apache-2.0
"""Names of source operators where packing has cut operations into pieces."""

from __future__ import annotations

from typing import Any

import pytest

from hocket_tools.app.application import loads
from hocket_tools.pack.packed import pack
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
def told() -> dict[str, Any]:
    packed = pack(loads(TEXT, MODELS / "app.toml"))
    return build(packed, execute(packed, 10_000_000))


def test_pieces_bear_the_name_of_the_operator_that_they_are_pieces_of(told: dict[str, Any]) -> None:
    large = told["models"][1]
    cut = [layer for layer in large["layers"] if layer["operations"] > 2]
    assert cut
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= {layer["kind"] for layer in large["layers"]}
    names = {layer["name"] for layer in large["layers"]}
    assert all(set(segment["sources"]) <= names for segment in large["segments"])


def test_a_report_says_which_cycles_were_proved(told: dict[str, Any]) -> None:
    assert told["application"]["cycles"] == "nominal"
