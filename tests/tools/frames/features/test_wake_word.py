# SPDX-License-Identifier: Apache-2.0
"""Recognition end to end: recording, the device's features, network with its state, decision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_micro.python.tflite_micro import runtime

from hocket_tools.frames.features import FrontendSettings, feature_inputs, read_wav
from hocket_tools.frames.tensor import TensorSpec
from paths import TESTS

#: Of the published model: probability over the mean of the last inferences.
CUTOFF, WINDOW = 0.9, 5


class Network:
    """A model on tflite_micro, which keeps its state from one inference to the next."""

    def __init__(self, name: str) -> None:
        self._interpreter = runtime.Interpreter.from_file(str(TESTS / "models" / f"{name}.tflite"))
        details = self._interpreter.get_input_details(0)
        quantisation = details["quantization_parameters"]
        self.input = TensorSpec(
            tuple(int(n) for n in details["shape"]),
            np.dtype(details["dtype"]).name,
            float(quantisation["scales"][0]),
            int(quantisation["zero_points"][0]),
        )

    def infer(self, values: np.ndarray) -> np.ndarray:
        self._interpreter.set_input(values, 0)
        self._interpreter.invoke()
        return np.array(self._interpreter.get_output(0))


def highest_mean(clip: Path) -> float:
    network = Network("mww_alexa")
    inputs = feature_inputs(read_wav(clip, 16_000), network.input)
    probabilities = [float(network.infer(values)[0, 0]) / 255 for values in inputs]
    return max(np.convolve(probabilities, np.ones(WINDOW) / WINDOW, "valid"))


@pytest.mark.parametrize("name", ["alexa_en-us", "alexa_en-gb"])
def test_wake_word_is_recognised(name: str) -> None:
    assert highest_mean(TESTS / "data" / "alexa" / f"{name}.wav") > CUTOFF


@pytest.mark.parametrize(
    "name",
    [
        "alexa/okay_computer_en-us",
        *(f"micro_speech/{word}_1000ms" for word in ("yes", "no", "noise", "silence")),
    ],
)
def test_other_sound_is_not_taken_for_the_wake_word(name: str) -> None:
    assert highest_mean(TESTS / "data" / f"{name}.wav") < 0.1


@pytest.mark.parametrize(("word", "label"), [("yes", 2), ("no", 3), ("noise", 0), ("silence", 0)])
def test_words_are_told_from_each_other_by_a_network_without_state(word: str, label: int) -> None:
    network = Network("micro_speech")
    samples = read_wav(TESTS / "data" / "micro_speech" / f"{word}_1000ms.wav", 16_000)
    (values,) = feature_inputs(samples, network.input, settings=FrontendSettings(window_step_ms=20))
    assert int(network.infer(values).argmax()) == label
