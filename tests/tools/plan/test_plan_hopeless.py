# SPDX-License-Identifier: Apache-2.0
"""What no cut can help is not tiled, which takes minutes for a large network."""

import shutil

import pytest

from hocket_tools.app.application import loads
from hocket_tools.pack.compile import compile_networks
from hocket_tools.pack.cut import planner_of
from hocket_tools.pack.pack import pack
from hocket_tools.pack.place import PlacedNetwork, place_operators
from hocket_tools.pack.target import resolve_target
from paths import MODELS

APPLICATION = """
[npu]
clock = "20 MHz"
[board]
cpu-clock = "400 MHz"
[schedule]
policy = "{policy}"
[tasks.words]
model = "micro_speech.tflite"
period = "20 ms"
deadline = "{words}"
[tasks.large]
model = "mlp_vww96_int8.tflite"
period = "{large}"
"""


@pytest.fixture
def application(tmp_path):
    for name in ("micro_speech", "mlp_vww96_int8"):
        shutil.copy(MODELS / f"{name}.tflite", tmp_path)
    return lambda policy="fp", **times: loads(
        APPLICATION.format(policy=policy, **times), tmp_path / "app.toml"
    )


def planner(application, cut=None):
    target = resolve_target(application)
    return planner_of(target, place_operators(target, compile_networks(target)), cut)


@pytest.fixture
def bounds(monkeypatch):
    """Lengths of tiles that were tried, in NPU cycles, by the task's own longest operation."""
    tried = {}
    tiled = PlacedNetwork.tiled

    def counted(self, max_cycles):
        tried.setdefault(self.longest_operation, []).append(max_cycles)
        return tiled(self, max_cycles)

    monkeypatch.setattr(PlacedNetwork, "tiled", counted)
    return tried


def test_a_task_that_fails_with_nobody_in_its_way_is_no_reason_for_tiles(application, bounds):
    hopeless = application(words="20 ms", large="4 ms")
    obstacle = planner(hopeless).plan().obstacle
    assert obstacle is not None
    assert obstacle.alone
    pack(hopeless)
    assert bounds == {}


def test_no_tiles_are_tried_where_whole_networks_are_the_policy(application, bounds):
    pack(application("fifo", words="4 ms", large="400 ms"))
    assert bounds == {}


def test_only_the_network_in_the_way_is_tiled(application, bounds):
    image = pack(application(words="4 ms", large="400 ms")).image
    assert image.plan[0].response_bound_ns <= 4_000_000
    assert len(image.models[0].steps) == 1
    assert len(image.models[1].steps) > 1
    assert len(bounds) == 1


@pytest.mark.parametrize("policy", ["fp", "edf", "rr", "fifo"])
def test_networks_whose_cuts_are_given_are_not_cut_further(application, bounds, policy):
    crowded = application(policy, words="2750 us", large="110 ms")
    assert planner(crowded, cut="all").plan().obstacle is not None
    assert bounds == {}
