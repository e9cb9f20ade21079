# SPDX-License-Identifier: Apache-2.0
"""Preprocessing, quantisation and streams: exact, saturating, on time."""

from __future__ import annotations

import hashlib
import wave
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hocket_lab.train import NETWORKS
from hocket_lab.train.detector import encode, match
from hocket_lab.train.samples import write_wav
from hocket_tools import zoo
from hocket_tools.zoo.audio import fit, read_wav
from hocket_tools.zoo.boxes import decode
from hocket_tools.zoo.features import DENOISER, KEYWORD, FrontEnd
from hocket_tools.zoo.images import read_grey, to_int8
from hocket_tools.zoo.preprocess import Answer, dequantise, quantise
from hocket_tools.zoo.scenes import SIDE, Box, moving, scene

FRONT_ENDS = pytest.mark.parametrize("front_end", [KEYWORD, DENOISER])


def pseudo_sound() -> np.ndarray:
    """Integers that no library's generator can change: a congruential sequence, swelling."""
    value, out = 1, []
    for index in range(4_000):
        value = (1_103_515_245 * value + 12_345) % 2**31
        out.append(((value >> 15) - 32_768) * index // 4_000)
    return np.array(out, dtype=np.int16)


@pytest.mark.parametrize(
    ("front_end", "digest"),
    [
        (KEYWORD, "8bfc0d12cf5464f6"),
        (DENOISER, "af9809ba540494eb"),
    ],
)
def test_features_are_the_same_on_every_machine(front_end: FrontEnd, digest: str) -> None:
    features = front_end.features(pseudo_sound())
    assert hashlib.sha256(features.tobytes()).hexdigest()[:16] == digest


@FRONT_ENDS
def test_silence_saturates_at_the_bottom(front_end: FrontEnd) -> None:
    assert np.all(front_end.features(np.zeros(2_000, dtype=np.int16)) == -128)


@FRONT_ENDS
def test_the_loudest_square_wave_saturates_at_the_top(front_end: FrontEnd) -> None:
    loud = np.where(np.arange(2_000) % 16 < 8, 32_767, -32_768).astype(np.int16)
    assert front_end.features(loud).max() == 127


@FRONT_ENDS
def test_too_short_a_sound_has_no_frame(front_end: FrontEnd) -> None:
    short = np.zeros(front_end.window - 1, dtype=np.int16)
    assert front_end.features(short).shape == (0, front_end.bands)


@FRONT_ENDS
def test_a_frame_does_not_depend_on_its_neighbours(front_end: FrontEnd) -> None:
    sound = pseudo_sound()
    start = 3 * front_end.hop
    alone = front_end.features(sound[start : start + front_end.window])
    assert np.array_equal(front_end.features(sound)[3:4], alone)


@FRONT_ENDS
def test_every_band_listens_to_something(front_end: FrontEnd) -> None:
    assert np.all(front_end.mel.sum(axis=0) > 0)


@FRONT_ENDS
def test_a_doubled_amplitude_adds_two_octaves_of_power(front_end: FrontEnd) -> None:
    sound = pseudo_sound() // 4
    step = front_end.features(2 * sound).astype(int) - front_end.features(sound)
    assert abs(np.median(step) - 16) <= 1


@given(st.lists(st.floats(-1e30, 1e30), min_size=1, max_size=20))
def test_quantisation_saturates_and_is_undone_within_half_a_step(values: list[float]) -> None:
    tensor = zoo.CardTensor((len(values),), 0.25, 3)
    real = np.array(values)
    back = dequantise(quantise(real, tensor), tensor)
    assert np.all(np.abs(back - np.clip(real, -131 * 0.25, 124 * 0.25)) <= 0.125)


@given(st.integers(1, 50), st.integers(1, 50))
def test_fitting_keeps_the_middle(have: int, want: int) -> None:
    pcm = np.arange(1, have + 1, dtype=np.int16)
    fitted = fit(pcm, want)
    assert len(fitted) == want
    assert np.count_nonzero(fitted) == min(have, want)
    kept = fitted[fitted > 0]
    assert np.array_equal(kept, np.arange(kept[0], kept[0] + len(kept)))


def test_a_pixel_loses_exactly_128() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_int8(pixels).astype(int), np.arange(-128, 128))


def test_a_picture_of_another_size_is_resized(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (200, 200, 200)).save(tmp_path / "big.png")
    assert np.all(read_grey(tmp_path / "big.png", 16) == 200)


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.png").write_bytes(b"not a picture")
    with pytest.raises(zoo.ZooError, match="not a readable image"):
        zoo.preprocess("digits", tmp_path / "no.png")


def test_a_wav_file_comes_back(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", pseudo_sound())
    assert np.array_equal(read_wav(tmp_path / "x.wav"), pseudo_sound())


def test_a_wav_file_of_another_rate_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as sink:
        sink.setparams((2, 2, 44_100, 0, "NONE", ""))
        sink.writeframes(bytes(16))
    with pytest.raises(zoo.ZooError, match="another format") as caught:
        zoo.preprocess("keyword", tmp_path / "x.wav")
    assert "44100 Hz, 16 bits, 2 channels" in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_as_wav_are_read_or_refused(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.wav"
        file.write_bytes(data)
        with pytest.raises(zoo.ZooError):
            read_wav(file)


@pytest.mark.parametrize("name", [card.name for card in zoo.models()])
def test_a_stream_keeps_the_period_and_the_shape(name: str) -> None:
    frames = list(islice(zoo.stream(name, repeat=True), 5))
    card = zoo.card(name)
    times = [frame.time_ns for frame in frames]
    assert [later - sooner for sooner, later in pairwise(times)] == [card.period_ns] * 4
    assert {frame.tensor.shape for frame in frames} == {card.input.shape}
    assert {frame.tensor.dtype for frame in frames} == {np.dtype(np.int8)}


def test_a_window_of_the_stream_is_that_of_the_recording() -> None:
    pcm = read_wav(zoo.stream_sample().path)
    frame = next(one for one in zoo.stream("keyword") if one.time_ns == 1_200_000_000)
    expected = KEYWORD.features(pcm[19_200 - 16_000 : 19_200])
    assert np.array_equal(frame.tensor[0, :, :], expected.reshape(frame.tensor.shape[1:]))


def test_a_stream_ends_with_its_recording() -> None:
    *_, last = zoo.stream("denoiser")
    assert last.time_ns == len(read_wav(zoo.stream_sample().path)) // 160 * 10_000_000


def test_a_repeated_stream_goes_round() -> None:
    length = sum(1 for _ in zoo.stream("denoiser"))
    assert len(list(islice(zoo.stream("denoiser", repeat=True), length + 3))) == length + 3


def test_a_period_of_a_broken_number_of_samples_is_refused() -> None:
    with pytest.raises(zoo.ZooError, match="broken number of samples"):
        next(zoo.stream("keyword", period_ns=20_000_001))


def test_a_period_that_does_not_advance_is_refused() -> None:
    with pytest.raises(zoo.ZooError, match="does not advance"):
        next(zoo.stream("digits", period_ns=0))


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "empty.wav", np.zeros(0, dtype=np.int16))
    with pytest.raises(zoo.ZooError, match="empty recording"):
        next(zoo.stream("keyword", tmp_path / "empty.wav"))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(zoo.ZooError, match="no pictures"):
        next(zoo.stream("digits", tmp_path))


def test_a_word_is_reported_once_until_it_has_gone() -> None:
    said = ["silence", "yes", "yes", "yes", "yes", "yes", *["silence"] * 4, "yes", "yes", "yes"]
    answers = [(index, Answer(word, 0.9)) for index, word in enumerate(said)]
    assert list(zoo.recognised(answers, threshold=0.8, jobs=3)) == [(3, "yes"), (12, "yes")]


def test_a_lone_answer_is_no_word() -> None:
    said = ["silence", "yes", "silence", "no", "silence", "silence"]
    answers = [(index, Answer(word, 0.9)) for index, word in enumerate(said)]
    assert list(zoo.recognised(answers, threshold=0.8, jobs=3)) == []


@given(st.integers(0, 2**32 - 1))
def test_boxes_survive_the_grids(seed: int) -> None:
    _, boxes = scene(np.random.default_rng(seed))
    found = decode(*encode(boxes, SIDE), 0.5)
    assert len(found) == len(boxes)
    assert all(match(found, boxes))


def test_overlapping_boxes_keep_the_best_only() -> None:
    scores, places = encode([Box("disc", 50.0, 50.0, 84.0, 84.0)], SIDE)
    (row,), (column,) = np.nonzero(scores.max(axis=2))
    scores[row, column - 1] = 0.9 * scores[row, column]
    places[row, column - 1] = places[row, column] + np.array([1, 0, 0, 0])
    (found,) = decode(scores, places, 0.5)
    assert found.score == 1.0


def test_a_moving_scene_is_the_same_for_the_same_seed() -> None:
    for (mine, _), (yours, _) in islice(zip(moving(3), moving(3), strict=True), 3):
        assert np.array_equal(mine, yours)


def test_shapes_of_a_moving_scene_stay_in_the_picture() -> None:
    for _, boxes in islice(moving(4), 100):
        for box in boxes:
            assert 0 <= (box.left + box.right) / 2 <= SIDE
            assert 0 <= (box.top + box.bottom) / 2 <= SIDE


def test_every_network_has_a_training_script_that_imports_without_tensorflow() -> None:
    import importlib
    import sys

    for name in NETWORKS:
        script = importlib.import_module(f"hocket_lab.train.{name}")
        assert callable(script.train)
    assert sorted(NETWORKS) == sorted(card.name for card in zoo.models())
    assert "tensorflow" not in sys.modules
