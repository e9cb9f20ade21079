# SPDX-License-Identifier: Apache-2.0
"""Train the denoiser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hocket_tools.zoo.features import DENOISER

from . import noise
from .denoise import CONTEXT, enhance, si_sdr_db, windows
from .export import (
    Quantised,
    convolve,
    packages,
    quantise,
    rounded,
    spread,
    tensorflow,
    write_card,
)
from .speech import draw_voice, speak

FEATURE_SCALE = 1.0 / 32.0

SENTENCES = (
    "The morning train leaves from the second platform.",
    "Please put the blue cup next to the window.",
    "A cold wind blew over the hills all night.",
    "She reads a short story before going to sleep.",
    "We should meet at the market on Friday afternoon.",
    "Five yellow birds sat quietly on the fence.",
    "The kitchen smells of fresh bread and coffee.",
    "He fixed the old radio with a piece of wire.",
    "Turn left at the church and follow the river.",
    "My brother plays chess with his teacher.",
    "Nobody knew who had opened the garden gate.",
    "The shop sells paper, pencils, and string.",
    "It rained hard, but the children kept running.",
    "They measured the length of the wooden table.",
    "Could you speak a little louder, please?",
    "The judge asked both of them the same question.",
)
SENTENCES_HELD_OUT = (
    "A small boat drifted slowly towards the harbour.",
    "What time does the museum close on Sunday?",
    "Her uncle grows apples, pears, and cherries.",
    "The fox jumped across the frozen stream.",
)

Mixture = tuple[npt.NDArray[np.int16], npt.NDArray[np.int16], npt.NDArray[np.int16]]


def mixtures(
    rng: np.random.Generator,
    sentences: Sequence[str],
    part: str,
    kinds: Sequence[noise.Noise],
    count: int,
    snr_db: tuple[float, float],
) -> list[Mixture]:
    """Return `count` triples of noisy, clean and noise, each int16[n]."""
    out = []
    for index in range(count):
        spoken = speak(sentences[index % len(sentences)], draw_voice(rng, part))
        gap = np.zeros(int(rng.integers(1600, 8000)))
        spoken = np.concatenate([gap, spoken, gap[: len(gap) // 2]])
        background = kinds[int(rng.integers(len(kinds)))](len(spoken), rng)
        level = 10.0 ** rng.uniform(3.2, 4.45)
        speech, rest = noise.mix(spoken, background, rng.uniform(*snr_db), level)
        noisy, clean, other = (
            np.rint(one).astype(np.int16) for one in (speech + rest, speech, rest)
        )
        out.append((noisy, clean, other))
    return out


def _examples(
    chosen: Sequence[Mixture],
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Inputs, and the gains that would be right: the share of each band that is speech."""
    inputs, gains = [], []
    for noisy, clean, other in chosen:
        inputs.append(np.stack(list(windows(noisy))))
        wanted = DENOISER.energies(clean).astype(np.float64)
        unwanted = DENOISER.energies(other).astype(np.float64)
        gains.append(np.sqrt(wanted / (wanted + unwanted + 1.0)).astype(np.float32))
    return np.concatenate(inputs), np.concatenate(gains)


def network(tf: Any) -> Any:
    """Return the untrained network: convolutions over bands that halve the frames to one."""
    layers = tf.keras.layers
    x = inputs = layers.Input((CONTEXT, DENOISER.bands, 1))
    x = layers.ReLU()(convolve(layers, x, 16, (3, 5), (2, 1)))
    x = layers.ReLU()(convolve(layers, x, 24, (3, 5), (2, 1)))
    x = layers.ReLU()(convolve(layers, x, 32, (2, 5), (2, 1)))
    y = layers.ReLU()(convolve(layers, x, 32, (1, 7)))
    x = layers.ReLU()(layers.Add()([x, convolve(layers, y, 32, (1, 7))]))
    return tf.keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))


def gain_in_db(quantised: Quantised, chosen: Sequence[Mixture]) -> npt.NDArray[np.float64]:
    """Return by how many decibels the network raises the SI-SDR of each mixture."""
    return np.array(
        [
            si_sdr_db(clean, enhance(noisy, lambda one: quantised.run(one)[0]))
            - si_sdr_db(clean, noisy)
            for noisy, clean, _ in chosen
        ]
    )


def train(out: Path, seed: int, epochs: int = 10) -> None:
    """Train, quantise, measure, and write `denoiser.tflite` and `denoiser.toml` into `out`."""
    tf = tensorflow(seed)
    rng = np.random.default_rng([seed, 0])
    x, gains = _examples(mixtures(rng, SENTENCES, "train", noise.TRAINED, 200, (-5.0, 20.0)))

    def scale(tensor: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        return np.asarray(tensor[..., None] * np.float32(FEATURE_SCALE), dtype=np.float32)

    model = network(tf)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, epochs * -(-len(x) // 128))
    model.compile(tf.keras.optimizers.Adam(rate), "mse")
    model.fit(scale(x), gains[:, None, :, None], batch_size=128, epochs=epochs, verbose=2)

    limits = (-128 * FEATURE_SCALE, 127 * FEATURE_SCALE)
    samples = (scale(x[i : i + 1]) for i in spread(range(len(x)), 400))
    data = quantise(tf, model, samples, limits)
    quantised = Quantised(tf, data)

    test = np.random.default_rng([seed, 2])
    kinds = (*noise.TRAINED, *noise.HELD_OUT)
    chosen = mixtures(test, SENTENCES_HELD_OUT, "held-out", kinds, 60, (0.0, 10.0))
    floats = []
    for noisy, clean, _ in chosen:
        exact = model.predict(scale(np.stack(list(windows(noisy)))), verbose=0)
        rows = iter(np.clip(np.rint(exact * 256) - 128, -128, 127).astype(np.int8))
        better = enhance(noisy, lambda _, rows=rows: next(rows))  # type: ignore[misc]
        floats.append(si_sdr_db(clean, better) - si_sdr_db(clean, noisy))
    gained = gain_in_db(quantised, chosen)
    accuracy: dict[str, object] = {
        "metric": "mean gain of SI-SDR in decibels, mixtures of 0 to 10 dB",
        "float": rounded(np.mean(floats)),
        "int8": rounded(np.mean(gained)),
        "examples": len(chosen),
        "held_out": "espeak-ng voice variants and sentences that training never hears, "
        "noises of which two kinds in nine are unheard too",
    }
    write_card(out, "denoiser", data, _card(seed, accuracy), quantised)
    print(f"SI-SDR gain: float {np.mean(floats):.2f} dB, int8 {np.mean(gained):.2f} dB")


def _card(seed: int, accuracy: dict[str, object]) -> dict[str, dict[str, object]]:
    """What the card says, in words."""
    return {
        "": {
            "task": "say, every 10 ms, how much of each of 32 bands is speech",
            "period": "10 ms",
            "labels": [f"band {band}" for band in range(DENOISER.bands)],
        },
        "input": {
            "kind": "audio",
            "samples": DENOISER.window + (CONTEXT - 1) * DENOISER.hop,
            "preprocessing": "integer log-mel features, zoo.features.DENOISER: 8 frames of "
            "320 samples every 160, 32 bands of 20 to 8000 Hz; the feature is the int8 value",
        },
        "accuracy": accuracy,
        "data": {
            "source": "speech synthesised by espeak-ng 1.51 from the sentences in the "
            "training script; noise synthesised by zoo.train.noise",
            "licence": "our own output; espeak-ng itself is GPL-3.0-or-later and no part of "
            "it is in the network",
        },
        "training": {
            "command": f"hocket lab train denoiser --seed {seed} --out DIR",
            "packages": packages("tensorflow-cpu", "numpy", "scipy"),
        },
        "limits": {
            "not": "trained on synthetic voices and noises only: not a hearing aid, not fitted "
            "to any hearing loss, not measured on recordings or by listeners; 30 ms behind "
            "the sound (a 20 ms frame and one period)",
        },
    }
