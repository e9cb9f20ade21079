# SPDX-License-Identifier: Apache-2.0
"""Inputs of features from recordings on the host."""

from __future__ import annotations

import wave
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from pymicro_features import MicroFrontend

from hocket_tools.frames.features import (
    FeatureError,
    FrontendSettings,
    feature_inputs,
    open_features,
    read_wav,
)
from hocket_tools.frames.tensor import TensorSpec, quantize
from paths import DATA

CLIP = DATA / "alexa" / "alexa_en-us.wav"
THREE = TensorSpec((1, 3, 40), "int8", 26 / 255, -128)


def write(path: Path, samples: np.ndarray, rate: int = 16_000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def reference(samples: np.ndarray) -> np.ndarray:
    """Features by pymicro-features as real numbers: (frames, 40)."""
    frontend, data = MicroFrontend(), samples.tobytes()
    frames = (
        frontend.process_samples(data[at : at + 320]).features
        for at in range(0, len(data) - 319, 320)
    )
    return np.array([frame for frame in frames if frame])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_inputs_are_the_frames_of_the_reference_by_the_scale_of_the_tensor(dtype: str) -> None:
    tensor = TensorSpec((1, 3, 40), dtype, 26 / 255, 0 if dtype == "uint8" else -128)
    samples = read_wav(CLIP, 16_000)
    frames = reference(samples)
    whole = frames[: len(frames) // 3 * 3].reshape(-1, 1, 3, 40)
    assert (feature_inputs(samples, tensor) == quantize(whole, tensor)).all()


def test_float_tensor_takes_features_as_real_numbers() -> None:
    samples = read_wav(CLIP, 16_000)[:8000]
    found = feature_inputs(samples, TensorSpec((1, 40), "float32"))
    assert found.dtype == np.float32
    assert (found.reshape(-1, 40) == reference(samples)).all()


def test_inputs_overlap_by_the_frames_that_are_not_fresh() -> None:
    samples = read_wav(CLIP, 16_000)[:16000]
    each = feature_inputs(samples, THREE, fresh=1)
    assert len(each) == 96
    assert (each[::3] == feature_inputs(samples, THREE)).all()


def test_recording_begins_again_or_ends() -> None:
    once = list(open_features(CLIP, THREE, loop=False))
    again = list(islice(open_features(CLIP, THREE), len(once) + 2))
    assert len(once) == 83
    assert (np.stack(again[-2:]) == np.stack(once[:2])).all()


def test_inputs_cannot_be_spoilt_for_the_next_round() -> None:
    with pytest.raises(ValueError, match="read-only"):
        next(open_features(CLIP, THREE))[0] = 1


@pytest.mark.parametrize(
    ("samples", "rate", "channels", "found"),
    [
        (np.zeros(9000, "<i2"), 8000, 1, "8000 Hz"),
        (np.zeros(9000, "<i2"), 16000, 2, "2 channels"),
        (np.zeros(9000, "u1"), 16000, 1, "8 bits"),
    ],
)
def test_recording_in_another_form_is_told(
    tmp_path: Path, samples: np.ndarray, rate: int, channels: int, found: str
) -> None:
    path = write(tmp_path / "x.wav", samples, rate, channels)
    with pytest.raises(FeatureError, match=found) as caught:
        open_features(path, THREE)
    assert "x.wav" in str(caught.value)


def test_file_of_anything_else_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"RIFFabcd")
    with pytest.raises(FeatureError, match="not a recording"):
        open_features(path, THREE)


def test_recording_shorter_than_an_input_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.wav", np.zeros(4 * 160, "<i2"))
    with pytest.raises(FeatureError, match="shorter than one input") as caught:
        open_features(path, THREE)
    assert "x.wav" in str(caught.value)


@pytest.mark.parametrize(
    ("tensor", "fresh"),
    [
        (TensorSpec((1, 50), "int8", 0.1, 0), None),
        (TensorSpec((1, 40), "int8", 0.0, 0), None),
        (TensorSpec((1, 40), "int64", 0.1, 0), None),
        (THREE, 4),
    ],
)
def test_tensor_that_takes_no_features_is_told(tensor: TensorSpec, fresh: int | None) -> None:
    with pytest.raises(FeatureError, match="takes no such features"):
        feature_inputs(np.zeros(16000, np.int16), tensor, fresh=fresh)


def test_other_settings_make_other_frames() -> None:
    tensor = TensorSpec((1, 1960), "int8", 0.1, -128)
    samples = read_wav(DATA / "micro_speech" / "yes_1000ms.wav", 16_000)
    assert len(feature_inputs(samples, tensor, settings=FrontendSettings(window_step_ms=20))) == 1
