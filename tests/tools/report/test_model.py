# SPDX-License-Identifier: Apache-2.0
import json
from itertools import pairwise
from typing import Any

import pytest

from hocket_tools.pack.packed import Packed
from hocket_tools.report import SCHEMA, VERSION, build
from hocket_tools.report.network import LIMITS
from hocket_tools.run.run import Outcome


@pytest.fixture(scope="module")
def told(packed: Packed, outcome: Outcome) -> dict[str, Any]:
    return build(packed, outcome)


def test_a_report_is_plain_values_with_a_version(told: dict[str, Any]) -> None:
    assert json.loads(json.dumps(told)) == told
    assert (told["schema"], told["version"]) == (SCHEMA, VERSION)


def test_no_path_of_this_machine_is_told(told: dict[str, Any], packed: Packed) -> None:
    assert str(packed.application.path.parent) not in json.dumps(told)


def test_a_segments_sources_are_named_as_in_the_model(told: dict[str, Any]) -> None:
    person = told["models"][1]
    assert person["layers"][0]["kind"] == "DEPTHWISE_CONV_2D"
    assert person["segments"][0]["sources"][0] == person["layers"][0]["name"]


def test_limits_share_out_all_cycles_of_a_layer_and_of_a_segment(told: dict[str, Any]) -> None:
    for model in told["models"]:
        for layer in model["layers"]:
            assert set(layer["limits"]) <= set(LIMITS.values())
            assert sum(layer["limits"].values()) == layer["cycles"]
        for segment in model["segments"]:
            assert set(segment["limits"]) <= {*LIMITS.values(), "overhead"}
            assert sum(segment["limits"].values()) == segment["nominal_cycles"]


def test_a_weight_bound_names_its_memory(told: dict[str, Any]) -> None:
    fully_connected = next(
        layer for layer in told["models"][0]["layers"] if layer["kind"] == "FULLY_CONNECTED"
    )
    assert next(iter(fully_connected["limits"])) == "weights"
    assert fully_connected["memory"] == "OffChipFlash"


def test_operations_end_in_order_within_the_inference(told: dict[str, Any]) -> None:
    for model in told["models"]:
        ends = model["arena"]["ends"]
        assert ends == sorted(ends)
        assert ends[-1] <= sum(segment["nominal_cycles"] for segment in model["segments"])


def test_no_layer_multiplies_faster_than_the_accelerator(told: dict[str, Any]) -> None:
    for model in told["models"]:
        assert all(layer["mac_cycles"] <= layer["kernel_cycles"] for layer in model["layers"])


def test_nothing_lives_at_the_start_but_at_every_cut(told: dict[str, Any]) -> None:
    for model in told["models"]:
        live = [segment["live_bytes"] for segment in model["segments"]]
        assert live[0] == 0
        assert all(0 < bytes_ <= model["arena"]["size"] for bytes_ in live[1:])


def test_blocks_of_the_arena_never_overlap(told: dict[str, Any]) -> None:
    for model in told["models"]:
        blocks = model["arena"]["blocks"]
        for operation in range(len(model["arena"]["ends"])):
            held = sorted(b[:2] for b in blocks if b[2] <= operation < b[3])
            assert all(a[1] <= b[0] for a, b in pairwise(held))
            assert held[-1][1] <= model["arena"]["size"]


def test_blocks_hold_at_least_what_is_live(told: dict[str, Any]) -> None:
    for model in told["models"]:
        arena = model["arena"]
        for operation, live in enumerate(arena["live_bytes"][:-1]):
            held = sum(b[1] - b[0] for b in arena["blocks"] if b[2] <= operation < b[3])
            assert held >= live


def test_flash_parts_lie_in_their_sections(told: dict[str, Any], packed: Packed) -> None:
    flash = told["flash"]
    assert flash["size"] == len(packed.data)
    sections = {s["name"]: s for s in flash["sections"]}
    for part in flash["parts"]:
        section = sections["streams" if part["what"] == "command streams" else "data"]
        assert section["offset"] <= part["offset"]
        assert part["offset"] + part["size"] <= section["offset"] + section["size"]
    assert {m for p in flash["parts"] for m in p["models"]} == {m["name"] for m in told["models"]}
