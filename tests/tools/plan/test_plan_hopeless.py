# SPDX-License-Identifier: Apache-2.0
"""What no cut can help is not cut into tiles, which takes minutes for a large network."""

import shutil

import pytest

from hocket_tools.app.application import loads
from hocket_tools.pack.cut import Prepared
from hocket_tools.pack.pack import build_image, planner_of
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


@pytest.fixture
def bounds(monkeypatch):
    """Lengths of tiles that were tried, in NPU cycles, by the task's own longest operation."""
    tried = {}
    bounded = Prepared.bounded

    def counted(self, max_cycles):
        tried.setdefault(self.longest_operation(), []).append(max_cycles)
        return bounded(self, max_cycles)

    monkeypatch.setattr(Prepared, "bounded", counted)
    return tried


def test_a_task_that_fails_with_nobody_in_its_way_is_no_reason_for_tiles(application, bounds):
    hopeless = application(words="20 ms", large="4 ms")
    obstacle = planner_of(hopeless).plan().obstacle
    assert obstacle is not None
    assert obstacle.alone
    build_image(hopeless)
    assert bounds == {}


def test_no_tiles_are_tried_where_whole_networks_are_the_policy(application, bounds):
    build_image(application("fifo", words="4 ms", large="400 ms"))
    assert bounds == {}


def test_only_the_network_in_the_way_is_cut_into_tiles(application, bounds):
    image = build_image(application(words="4 ms", large="400 ms"))
    assert image.plan[0].response_bound_ns <= 4_000_000
    assert len(image.models[0].steps) == 1
    assert len(image.models[1].steps) > 1
    assert len(bounds) == 1


@pytest.mark.parametrize("policy", ["fp", "edf", "rr", "fifo"])
def test_networks_whose_cuts_are_given_are_not_cut_further(application, bounds, policy):
    crowded = application(policy, words="2750 us", large="110 ms")
    assert planner_of(crowded, cut="all").plan().obstacle is not None
    assert bounds == {}
