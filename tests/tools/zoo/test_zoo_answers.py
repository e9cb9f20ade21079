# SPDX-License-Identifier: Apache-2.0
"""What the networks say, by the reference interpreter, of samples and held-out examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hocket_lab.train import detector
from hocket_lab.train.denoise import enhance, si_sdr_db
from hocket_lab.train.digits import enlarge
from hocket_tools import zoo
from hocket_tools.zoo.audio import read_wav
from hocket_tools.zoo.images import to_int8

Infer = Callable[[str, npt.NDArray[np.int8]], list[npt.NDArray[np.int8]]]

HELD_OUT = np.load(Path(__file__).parent / "heldout.npz")
SAMPLES = [(card.name, sample) for card in zoo.models() for sample in zoo.sample_inputs(card.name)]


def least(share: float, examples: int) -> float:
    """Three standard deviations of the binomial distribution below a stated share."""
    return share - 3.0 * math.sqrt(share * (1.0 - share) / examples)


@pytest.mark.parametrize(("name", "sample"), SAMPLES, ids=[one.path.name for _, one in SAMPLES])
def test_a_sample_is_read_as_expected(name: str, sample: zoo.Sample, infer: Infer) -> None:
    answer = zoo.interpret(name, infer(name, zoo.preprocess(name, sample.path)))
    assert answer.label == sample.expected


def test_every_network_has_samples() -> None:
    assert {name for name, _ in SAMPLES} == {card.name for card in zoo.models()}


@pytest.mark.parametrize("name", ["keyword", "digits"])
def test_held_out_examples_reach_the_stated_accuracy(name: str, infer: Infer) -> None:
    examples, labels = HELD_OUT[name], HELD_OUT[f"{name}_labels"]
    if name == "digits":
        examples = [to_int8(enlarge(one)) for one in examples]
    hits = [
        int(np.argmax(infer(name, one)[0])) == label
        for one, label in zip(examples, labels, strict=True)
    ]
    assert np.mean(hits) >= least(zoo.card(name).accuracy.int8_value, len(hits))


def test_detector_reaches_the_stated_accuracy_on_new_scenes(infer: Infer) -> None:
    scenes = detector.held_out(99, 30)
    found = [
        zoo.interpret("detector", infer("detector", to_int8(image))).boxes for image, _ in scenes
    ]
    true = [boxes for _, boxes in scenes]
    stated = zoo.card("detector").accuracy.int8_value
    assert detector.measure(found, true) >= least(stated, sum(map(len, true)))


def test_words_of_the_stream_are_heard_in_order(infer: Infer) -> None:
    answers = (
        (frame.time_ns, zoo.interpret("keyword", infer("keyword", frame.tensor)))
        for frame in zoo.stream("keyword")
    )
    heard = list(zoo.recognised(answers))
    assert "+".join(word for _, word in heard) == zoo.stream_sample().expected
    assert [time for time, _ in heard] == sorted(time for time, _ in heard)


def test_denoiser_raises_the_ratio_of_speech_to_noise(infer: Infer) -> None:
    speech = read_wav(zoo.stream_sample().path).astype(np.float64)
    noise = np.random.default_rng(5).normal(scale=np.std(speech), size=len(speech))
    noisy = np.clip(np.rint(speech + 0.6 * noise), -32768, 32767).astype(np.int16)
    better = enhance(noisy, lambda tensor: infer("denoiser", tensor)[0])
    assert si_sdr_db(speech, better) > si_sdr_db(speech, noisy) + 2.0
