# SPDX-License-Identifier: Apache-2.0
"""`hocket inspect` on networks of both units."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from running import application
from typer.testing import CliRunner

from hocket_tools import container as hkt
from hocket_tools.cli import app
from hocket_tools.report.inspect import summary
from paths import MODELS

TEXT = (
    f'[tasks.speech]\nmodel = "{MODELS / "micro_speech.tflite"}"\nperiod = "4 s"\n'
    'on-cpu = ["labels_softmax"]\nsram = "32 KiB"\n'
    f'[tasks.alexa]\nmodel = "{MODELS / "mww_alexa.tflite"}"\nperiod = "30 ms"\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "app.toml").write_text(TEXT)
    return tmp_path / "app.toml"


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["inspect", *arguments], env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    return done.output


def test_every_layer_on_the_processor_has_one_primitive_picked(file: Path) -> None:
    report = json.loads(told(str(file), "--primitives", "--json"))
    layers = {task: network["layers"] for task, network in report.items()}
    assert [layer["operator"] for layer in layers["speech"]] == ["SOFTMAX"]
    assert layers["speech"][0]["chosen_by_user"]
    assert len(layers["alexa"]) == 12
    assert report["speech"]["sram"] == 32 * 1024
    for layer in (*layers["speech"], *layers["alexa"]):
        picked = [c for c in layer["candidates"] if c["picked"]]
        assert len(picked) == 1
        assert picked[0]["cycles"] == min(c["cycles"] for c in layer["candidates"])


def test_a_container_shows_the_primitives_of_its_application(file: Path) -> None:
    packed = CliRunner().invoke(app, ["pack", str(file)])
    assert packed.exit_code == 0, packed.output
    shown = told(str(file.with_suffix(".hkt")), "--primitives")
    assert "✓ block" in shown
    assert "labels_softmax" in shown
    assert "SRAM of 32 KiB: arena" in shown


def test_cpu_operators_are_listed_with_their_steps_and_cycles(tmp_path: Path) -> None:
    model = (MODELS / "mww_alexa.tflite").read_bytes()
    packed = application(tmp_path, {"a": (model, "")})
    report = summary(packed.image, packed.data)["models"][0]
    steps = packed.image.models[0].steps
    cpu = [s for s in report["segments"] if s["unit"] == "cpu"]
    assert {s["operator"] for s in cpu} == {"move"}
    assert report["cpu_cycles"] == sum(s["worst_cycles"] for s in cpu)
    assert report["worst_cycles"] == sum(
        s.worst_cycles for s in steps if s.kind == hkt.StepKind.NPU
    )
    assert all(s["stream_size"] > 0 for s in report["segments"])


def test_a_network_wholly_on_the_processor_is_checked_and_runs_within_its_bound(
    tmp_path: Path,
) -> None:
    model = MODELS / "hello_world_int8.tflite"
    (tmp_path / "app.toml").write_text(
        f'[tasks.hello]\nmodel = "{model}"\non-cpu = [0, 1, 2]\nperiod = "100 ms"\n'
    )
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "app.toml"), "--json"])
    assert checked.exit_code == 0, checked.output
    task = json.loads(checked.output)["tasks"][0]
    assert (task["segments"], task["longest_segment_ns"]) == (0, 0)
    run = CliRunner().invoke(
        app, ["run", str(tmp_path / "app.toml"), "--seconds", "1", "--verify", "--json"]
    )
    assert run.exit_code == 0, run.output
    slowest = json.loads(run.output)["runs"][0]["tasks"][0]["response_max_ns"]
    assert 0 < slowest <= task["bound_ns"]
