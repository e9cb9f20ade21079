# SPDX-License-Identifier: Apache-2.0
"""Sound for tests of the audio front end, and what the reference makes of it."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymicro_features import MicroFrontend

from paths import DATA

CLIPS = sorted(DATA.glob("*/*.wav"))
STEP = 160

Samples = NDArray[np.int16]

_N = 40 * STEP
_AT = np.arange(_N)

SIGNALS: dict[str, Callable[[np.random.Generator], NDArray[np.generic]]] = {
    "noise": lambda rng: rng.integers(-32768, 32768, _N),
    "signs": lambda rng: rng.choice([-32768, 32767], _N),
    "quiet": lambda rng: rng.integers(-2, 3, _N),
    "silence": lambda rng: np.zeros(_N),
    "least": lambda rng: np.full(_N, -32768),
    "greatest": lambda rng: np.full(_N, 32767),
    "square": lambda rng: np.where(_AT // 7 % 2, 32767, -32768),
    "quarter": lambda rng: np.where(_AT % 4 < 2, 32767, -32768),
    "nyquist": lambda rng: np.where(_AT % 2, 32767, -32768),
    "tone": lambda rng: 32767 * np.sin(_AT * 0.4),
    "growing": lambda rng: np.exp(_AT * np.log(32767) / _N) * np.sin(_AT * 0.05),
    "least alone": lambda rng: np.where(_AT % 997 == 240, -32768, 0),
    "bursts": lambda rng: np.where(_AT % 3000 < 200, rng.integers(-32768, 32768, _N), 0),
}


def read(clip: Path) -> Samples:
    """Samples of a recording in the form that the front end takes."""
    with wave.open(str(clip), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def reference(samples: Samples) -> NDArray[np.uint16]:
    """Features by pymicro-features, in its integers: (frames, 40)."""
    frontend = MicroFrontend()
    data = samples.tobytes()
    found = []
    for at in range(0, len(data) - 2 * STEP + 1, 2 * STEP):
        features = frontend.process_samples(data[at : at + 2 * STEP]).features
        if features:
            found.append(features)
    values = np.array(found, np.float64).reshape(-1, 40) / 0.0390625
    integers = values.astype(np.uint16)
    assert (integers == values).all()
    return integers
