# SPDX-License-Identifier: Apache-2.0
"""Networks over both units on the ARM image: verified though no run of the NPU ends them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graphs import mixed_graph
from running import application

from hocket_tools import container as hkt
from hocket_tools.pack.packed import Packed
from hocket_tools.run import BackEndError, Guest, bodies
from hocket_tools.verify.verifier import Verifier
from paths import MODELS
from rigs.needs import BACK_ENDS

MS = 1_000_000
HEAD = '[npu]\naccelerator-config = "ethos-u55-128"\nclock = "32 MHz"\n'


@pytest.fixture(params=BACK_ENDS)
def back_end(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def packed(tmp_path: Path) -> Packed:
    tasks = {
        "ends": (mixed_graph(13), 'period = "200 ms"'),
        "middle": (mixed_graph(3), 'period = "100 ms"'),
    }
    return application(tmp_path, tasks, HEAD)


def test_outputs_are_the_references(elf: Path, packed: Packed, back_end: str) -> None:
    kinds = [[step.kind for step in model.steps] for model in packed.image.models]
    assert (kinds[0][0], kinds[0][-1]) == (hkt.StepKind.CPU, hkt.StepKind.NPU)
    assert bodies.needed(packed)
    app = packed.application
    verifier = Verifier({name: app.resolve(task.model) for name, task in app.tasks.items()})
    run = bodies.run(back_end, Guest.of(elf, packed), packed, 1000 * MS, verifier.on_job)
    assert verifier.mismatches == []
    assert verifier.checked == run.completed == {"ends": 5, "middle": 10}
    assert run.problems == ()
    assert run.npu_runs >= 5 * kinds[0].count(hkt.StepKind.NPU)
    assert run.report.split()[:2] == ["task", "jobs"]


def test_a_stream_of_a_hundred_frames_keeps_its_state(
    elf: Path, tmp_path: Path, back_end: str
) -> None:
    model = (MODELS / "mww_alexa.tflite").read_bytes()
    packed = application(tmp_path, {"wake": (model, 'period = "60 ms"')}, HEAD)
    app = packed.application
    verifier = Verifier({"wake": app.resolve(app.tasks["wake"].model)})
    bodies.run(back_end, Guest.of(elf, packed), packed, 6000 * MS, verifier.on_job)
    assert verifier.mismatches == []
    assert verifier.checked["wake"] == 100


def test_what_fails_on_the_image_comes_with_its_traceback(
    elf: Path, packed: Packed, back_end: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frame = (np.zeros(3, np.int8),)
    monkeypatch.setattr(
        bodies, "open_inputs", lambda *given: {"ends": iter([frame]), "middle": iter([frame])}
    )
    spoilt = tmp_path / "bodies.py"
    spoilt.write_text(bodies._DEVICE.read_text().replace("view(frames, size)", "bytes(3)"))
    monkeypatch.setattr(bodies, "_DEVICE", spoilt)
    with pytest.raises(BackEndError, match=r"(?s)fails on the image.*3 elements"):
        bodies.run(back_end, Guest.of(elf, packed), packed, 100 * MS, print)


def test_networks_that_begin_and_end_on_the_npu_need_no_bodies(tmp_path: Path) -> None:
    model = (MODELS / "micro_speech.tflite").read_bytes()
    assert not bodies.needed(application(tmp_path, {"a": (model, "")}, HEAD))
