# SPDX-License-Identifier: Apache-2.0
"""Train the keyword spotter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hocket_tools.zoo.features import KEYWORD, SAMPLE_HZ

from . import noise
from .export import (
    Quantised,
    convolve,
    packages,
    quantise,
    rounded,
    separable,
    spread,
    tensorflow,
    write_card,
)
from .speech import draw_voice, speak

WORDS = ("yes", "no", "up", "down", "left", "right", "go", "stop")
LABELS = ("silence", "unknown", *WORDS)
FEATURE_SCALE = 1.0 / 32.0

# Signal to noise, in decibels, of every word that is trained on or measured.
SNR_DB = (5.0, 40.0)

# Near misses of the words come first: they are what a spotter confuses.
UNKNOWN = (
    *("nose", "note", "know it", "cup", "town", "lift", "light", "night", "goat", "stock", "top"),
    *("shop", "yet", "guess", "loft", "drown", "gown", "bright", "rice", "coat", "step", "less"),
    *("bed", "bird", "cat", "dog", "happy", "house", "sheila", "tree", "wow", "zero", "one"),
    *("two", "three", "four", "five", "six", "seven", "eight", "nine", "forward", "learn"),
    *("computer", "window", "garden", "music", "water", "kitchen", "morning", "number", "please"),
    *("table", "paper", "people", "river", "summer", "yellow", "orange", "under", "open"),
)
UNKNOWN_HELD_OUT = (
    *("yesterday", "node", "puppet", "brown", "letter", "ride", "ghost", "stomp", "follow"),
    *("visual", "backward", "marvin", "coffee", "minute", "picture", "never", "today", "purple"),
)

Wave = npt.NDArray[np.float64]


def _speak_all(words: Sequence[str], count: int, part: str, rng: Any) -> list[tuple[str, Wave]]:
    return [(word, speak(word, draw_voice(rng, part))) for word in words for _ in range(count)]


def _vary(spoken: Wave, rng: np.random.Generator) -> Wave:
    """Resample and filter a word: a longer or shorter throat, another room."""
    factor = rng.uniform(0.8, 1.25)
    at = np.arange(0.0, len(spoken) - 1, factor)
    moved = np.interp(at, np.arange(len(spoken)), spoken)
    taps = np.concatenate([[1.0], rng.normal(scale=0.4, size=3)])
    return np.convolve(moved, taps)


def _window(
    spoken: Wave | None, rng: np.random.Generator, kinds: Sequence[noise.Noise], visible: float
) -> npt.NDArray[np.int16]:
    """One second of noise with a word in it, of which at least `visible` lies inside."""
    clip = np.zeros(SAMPLE_HZ)
    if spoken is not None:
        spoken = spoken[:SAMPLE_HZ]
        hidden = int((1.0 - visible) * len(spoken))
        start = int(rng.integers(-hidden, SAMPLE_HZ - len(spoken) + hidden + 1))
        low, high = max(0, start), min(SAMPLE_HZ, start + len(spoken))
        clip[low:high] = spoken[low - start : high - start]
    background = kinds[int(rng.integers(len(kinds)))](SAMPLE_HZ, rng)
    level = 10.0 ** rng.uniform(2.9, 4.45)
    if spoken is None:
        level = 10.0 ** rng.uniform(0.0, 3.9)
    speech, rest = noise.mix(clip, background, rng.uniform(*SNR_DB), level)
    if spoken is None and rng.uniform() < 0.1:
        rest = np.zeros(SAMPLE_HZ)
    return np.rint(speech + rest).astype(np.int16)


def _examples(
    spoken: Sequence[tuple[str, Wave]],
    repeats: int,
    rng: np.random.Generator,
    kinds: Sequence[noise.Noise],
    *,
    vary: bool,
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    features, labels = [], []
    for word, wave in spoken:
        label = LABELS.index(word) if word in WORDS else 1
        for _ in range(repeats):
            one = _vary(wave, rng) if vary else wave
            features.append(KEYWORD.features(_window(one, rng, kinds, 0.92)))
            labels.append(label)
    for _ in range(max(1, len(labels) // 9)):
        features.append(KEYWORD.features(_window(None, rng, kinds, 1.0)))
        labels.append(0)
    return np.stack(features), np.array(labels)


def _slivers(
    spoken: Sequence[tuple[str, Wave]], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Words just entering or leaving the window, as a stream shows them: unknown."""
    features = []
    for _, wave in spoken:
        keep = int(len(wave) * rng.uniform(0.2, 0.4))
        clip = np.zeros(SAMPLE_HZ)
        if rng.uniform() < 0.5:
            clip[-keep:] = wave[:keep]
        else:
            clip[:keep] = wave[-keep:]
        background = noise.TRAINED[int(rng.integers(len(noise.TRAINED)))](SAMPLE_HZ, rng)
        level = 10.0 ** rng.uniform(2.9, 4.45)
        speech, rest = noise.mix(clip, background, rng.uniform(10.0, 40.0), level)
        features.append(KEYWORD.features(np.rint(speech + rest).astype(np.int16)))
    return np.stack(features), np.ones(len(features), dtype=np.int64)


def network(tf: Any) -> Any:
    """Return the untrained network: a strided convolution and five separable ones."""
    layers = tf.keras.layers
    x = inputs = layers.Input((KEYWORD.count(SAMPLE_HZ), KEYWORD.bands, 1))
    # Only while training: level noise, and whole bands and frames left out.
    x = layers.GaussianNoise(4 * FEATURE_SCALE)(x)
    x = layers.Dropout(0.08, noise_shape=(None, 1, KEYWORD.bands, 1))(x)
    x = layers.Dropout(0.05, noise_shape=(None, KEYWORD.count(SAMPLE_HZ), 1, 1))(x)
    x = layers.ReLU()(convolve(layers, x, 32, 5, 2))
    x = separable(layers, x, 48, 3, 2)
    x = separable(layers, x, 64)
    x = separable(layers, x, 64)
    x = separable(layers, x, 96, 3, 2)
    x = separable(layers, x, 96)
    x = layers.AveragePooling2D(x.shape[1:3])(x)
    x = layers.Dropout(0.4)(layers.Flatten()(x))
    return tf.keras.Model(inputs, layers.Dense(len(LABELS), activation="softmax")(x))


def held_out(seed: int, count: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
    """Return held-out examples: voices, noises and some other words that training never hears.

    Returns
    -------
    features
        int8[n, 49, 32].
    labels
        int64[n], indices into ``LABELS``.
    """
    rng = np.random.default_rng([seed, 2])
    spoken = _speak_all(WORDS, count, "held-out", rng)
    spoken += _speak_all(UNKNOWN_HELD_OUT, max(1, count // 12), "held-out", rng)
    spoken += _speak_all(UNKNOWN[::5], max(1, count // 20), "held-out", rng)
    return _examples(spoken, 1, rng, (*noise.TRAINED, *noise.HELD_OUT), vary=False)


def train(out: Path, seed: int, epochs: int = 16) -> None:
    """Train, quantise, measure, and write `keyword.tflite` and `keyword.toml` into `out`."""
    rng = np.random.default_rng([seed, 0])
    spoken = _speak_all(WORDS, 480, "train", rng) + _speak_all(UNKNOWN, 26, "train", rng)
    x, y = _examples(spoken, 5, rng, noise.TRAINED, vary=True)
    sliver_x, sliver_y = _slivers(spoken[::2], rng)
    x, y = np.concatenate([x, sliver_x]), np.concatenate([y, sliver_y])
    test_x, test_y = held_out(seed, 60)
    tf = tensorflow(seed)

    def scale(tensor: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        return np.asarray(tensor[..., None] * np.float32(FEATURE_SCALE), dtype=np.float32)

    model = network(tf)
    steps = epochs * -(-len(x) // 64)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    adam = tf.keras.optimizers.AdamW(rate, weight_decay=0.02)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(scale(x), y, batch_size=64, epochs=epochs, verbose=2)

    data = quantise(
        tf,
        model,
        (scale(x[i : i + 1]) for i in spread(range(len(x)), 300)),
        (-128 * FEATURE_SCALE, 127 * FEATURE_SCALE),
    )
    quantised = Quantised(tf, data)
    exact = np.argmax(model.predict(scale(test_x), verbose=0), axis=1) == test_y
    guess = np.array([int(np.argmax(quantised.run(item)[0])) for item in test_x])
    accuracy: dict[str, object] = {
        "metric": "top-1 accuracy",
        "float": rounded(np.mean(exact)),
        "int8": rounded(np.mean(guess == test_y)),
        "examples": len(test_y),
        "held_out": "espeak-ng voice variants (and, for a quarter of them, accents) that "
        "training never hears; noises of which two kinds in nine are unheard too; 5 to "
        "40 dB of signal to noise; half of the other words unheard. Noises and "
        "augmentation of the training were settled with a view of this set",
    }
    write_card(out, "keyword", data, _card(seed, accuracy), quantised)
    for label in range(len(LABELS)):
        chosen = test_y == label
        print(f"{LABELS[label]:>8} {np.mean(guess[chosen] == label):.3f} of {chosen.sum()}")


def _card(seed: int, accuracy: dict[str, object]) -> dict[str, dict[str, object]]:
    """What the card says, in words."""
    return {
        "": {
            "task": "spot eight English words in one second of 16 kHz audio",
            "period": "20 ms",
            "labels": LABELS,
        },
        "input": {
            "kind": "audio",
            "samples": SAMPLE_HZ,
            "preprocessing": "integer log-mel features, zoo.features.KEYWORD: 49 frames of "
            "512 samples every 320, 32 bands of 80 to 7600 Hz; the feature is the int8 value",
        },
        "accuracy": accuracy,
        "data": {
            "source": "speech synthesised by espeak-ng 1.51 from the word lists in the "
            "training script; noise synthesised by zoo.train.noise",
            "licence": "our own output; espeak-ng itself is GPL-3.0-or-later and no part of "
            "it is in the network",
        },
        "training": {
            "command": f"hocket lab train keyword --seed {seed} --out DIR",
            "packages": packages("tensorflow-cpu", "numpy", "scipy"),
        },
        "limits": {
            "not": "trained on synthetic voices only: not a product for human speakers, not "
            "measured on them (of two human recordings tried, 'no' was heard and 'yes' was "
            "not), not a wake word, not for anything that safety hangs on",
        },
    }
