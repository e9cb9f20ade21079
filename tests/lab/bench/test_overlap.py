# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

from hocket_lab.bench import overlap
from hocket_lab.bench.overlap import OverlapNetwork, Scenario, measure
from hocket_lab.checkout import MODELS

BOTH = Scenario(
    "both",
    (OverlapNetwork("wake", "mww_alexa"), OverlapNetwork("speech", "micro_speech", on_cpu=(3,))),
)
NPU_ALONE = Scenario(
    "npu", (OverlapNetwork("one", "micro_speech"), OverlapNetwork("other", "hello_world_int8"))
)


def test_networks_of_both_units_are_done_sooner_together() -> None:
    row = measure(BOTH, MODELS, frames=3)
    assert row["least_ratio"] <= row["ratio"] < 1
    assert row["verified_jobs"] == 12


def test_the_same_work_takes_the_npu_the_same_time_however_it_is_cut() -> None:
    whole, cut = (measure(BOTH, MODELS, frames=2, cut=c) for c in ("none", "100 us"))
    assert sum(cut["segments"]) > sum(whole["segments"])
    assert whole["cpu_steps_ns"] == cut["cpu_steps_ns"]


def test_where_there_is_nothing_to_overlap_little_is_gained() -> None:
    row = measure(NPU_ALONE, MODELS, frames=2)
    assert row["cpu_steps_ns"] == 0
    # Only what the kernel does for one job while another has the NPU.
    assert row["with_ns"] >= row["npu_ns"]


def test_the_command_writes_all_figures(tmp_path: Path, monkeypatch, hocket) -> None:
    monkeypatch.setattr(overlap, "SCENARIOS", (BOTH,))
    output = tmp_path / "overlap.json"
    assert hocket("lab", "overlap", "--frames", 2, "--output", output).code == 0
    told = json.loads(output.read_text())
    assert [row["cut"] for row in told["rows"]] == list(overlap.CUTS)
    assert 0 < told["ratio"] < 1
