# SPDX-License-Identifier: Apache-2.0
"""Tasks that hear a recording: from the application file to the emulated board."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from hocket_host.machines import micropython
from hocket_tools.app.application import Application, ApplicationError, loads
from hocket_tools.app.inputs import open_inputs
from hocket_tools.pack.pack import pack
from hocket_tools.reference.oracle import Oracle
from hocket_tools.run.run import execute, setup_of
from paths import TESTS

POLICIES = ["fifo", "fp", "edf", "rr"]

HEARING = """
[tasks.wake]
model = "models/mww_alexa.tflite"
period = "30 ms"
input = { file = "data/alexa/alexa_en-us.wav", features = "micro", loop = false }

[tasks.detector]
model = "models/person_detect.tflite"
period = "100 ms"
input = { file = "data/person/person.bmp" }
"""


def application(text: str) -> Application:
    return loads(text, TESTS / "app.toml")


def task(text: str) -> Application:
    return application(f'[tasks.x]\nmodel = "models/mww_alexa.tflite"\nperiod = "30 ms"\n{text}')


def test_settings_are_given_by_name_or_one_by_one() -> None:
    plain = task('input = { file = "data/alexa/alexa_en-us.wav", features = "micro" }')
    own = task(
        'input = { file = "data/alexa/alexa_en-us.wav", features = { window-step-ms = 20 } }'
    )
    assert plain.tasks["x"].input[0].features is not None
    assert plain.tasks["x"].input[0].features.window_step_ms == 10
    assert own.tasks["x"].input[0].features is not None
    assert own.tasks["x"].input[0].features.window_step_ms == 20


@pytest.mark.parametrize(
    "source",
    [
        'generator = "random", features = "micro"',
        'file = "data/alexa/alexa_en-us.wav", features = "micro", mode = "quantize"',
    ],
)
def test_features_of_anything_but_a_recording_are_refused(source: str) -> None:
    with pytest.raises(ApplicationError, match="features are made of a recording"):
        task(f"input = {{ {source} }}")


def test_unknown_setting_is_told_with_the_like_of_it() -> None:
    with pytest.raises(ApplicationError, match="did you mean window-step-ms") as caught:
        task('input = { file = "data/alexa/alexa_en-us.wav", features = { window-stp-ms = 20 } }')
    assert "tasks.x.input.features" in str(caught.value)


def heard(policy: str) -> tuple[list[int], int]:
    """Probabilities of the wake word over the recording, and how many jobs were verified."""
    found: list[int] = []

    def on_job(name: str, _: object, outputs: tuple[NDArray[np.generic], ...]) -> None:
        if name == "wake":
            found.append(int(outputs[0].reshape(-1)[0]))

    outcome = execute(
        pack(application(HEARING)), 83 * 30_000_000, policy=policy, verify=True, on_job=on_job
    )
    assert outcome.verifier is not None
    assert not outcome.verifier.mismatches
    return found, sum(outcome.verifier.checked.values())


@pytest.mark.parametrize("policy", POLICIES)
def test_wake_word_is_recognised_beside_a_detector_under_every_policy(policy: str) -> None:
    probabilities, verified = heard(policy)
    assert len(probabilities) == 83
    assert verified > 100
    assert max(np.convolve(probabilities, np.ones(5) / 5 / 255, "valid")) > 0.9


def reference() -> list[int]:
    """The same by tflite_micro alone, in one run over the recording."""
    hearing = application(HEARING)
    image = pack(hearing).image
    oracle = Oracle((TESTS / "models" / "mww_alexa.tflite").read_bytes())
    frames = open_inputs(hearing, image)["wake"]
    return [int(oracle.run(frame)[0].reshape(-1)[0]) for frame in frames]


@pytest.mark.needs("micropython")
@pytest.mark.parametrize("policy", POLICIES)
def test_probabilities_on_micropython_are_those_of_one_run_of_tflite_micro(policy: str) -> None:
    packed = pack(application(f'[schedule]\npolicy = "{policy}"\n{HEARING}'))
    found: dict[str, list[int]] = {"wake": [], "detector": []}
    micropython.run(
        setup_of(packed),
        83 * 30_000_000,
        lambda task, _, given: found[task].append(given[0].tobytes()[0]),
    )
    assert found["wake"] == reference()
    assert len(found["wake"]) == 83
    assert len(found["detector"]) >= 24
