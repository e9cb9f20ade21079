# SPDX-License-Identifier: Apache-2.0
"""The audio front end on the ARM image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymicro_features import MicroFrontend

from hocket_lab.image.features import ImageRun, run_on_image
from hocket_tools.frames.features import feature_inputs, read_wav
from hocket_tools.frames.tensor import TensorSpec
from paths import DATA

pytestmark = pytest.mark.needs("qemu-arm")

CLIP = DATA / "alexa" / "alexa_en-gb.wav"
SAMPLES = read_wav(CLIP, 16_000)[16_000:28_000]


@pytest.fixture(scope="module")
def run(elf: Path) -> ImageRun:
    return run_on_image(elf, SAMPLES)


def test_features_on_the_image_are_those_of_the_host(run: ImageRun) -> None:
    real = feature_inputs(SAMPLES, TensorSpec((1, 40), "float32")).reshape(-1, 40)
    assert (run.features * np.float32(0.0390625) == real).all()


def test_features_on_the_image_are_those_of_the_reference(run: ImageRun) -> None:
    frontend, data = MicroFrontend(), SAMPLES.tobytes()
    frames = [
        frontend.process_samples(data[at : at + 320]).features
        for at in range(0, len(data) - 319, 320)
    ]
    expected = np.array([frame for frame in frames if frame]) / 0.0390625
    assert np.count_nonzero(expected)
    assert (run.features == expected).all()


def test_a_step_is_short_and_a_frame_is_what_the_documents_say(run: ImageRun) -> None:
    assert run.step_instructions < 36_000
    assert run.frame_instructions < 460_000
    assert run.frontend_heap_bytes < 9_000


def test_command_prints_the_figures(elf: Path, hocket: Callable[..., Any]) -> None:
    said = hocket("lab", "features", CLIP, "--firmware", elf)
    assert said.code == 0
    assert "instructions of a frame" in said.out


def test_command_tells_a_recording_that_is_none(
    elf: Path, tmp_path: Path, hocket: Callable[..., Any]
) -> None:
    said = hocket("lab", "features", tmp_path / "x.wav", "--firmware", elf)
    assert said.code == 2
    assert "not a recording" in said.err
