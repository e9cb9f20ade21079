# SPDX-License-Identifier: Apache-2.0
"""Train the digit reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hocket_tools.zoo.images import DIGIT_SIDE

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

# scikit-learn's digits are by 13 people and come unshuffled, writer by writer as far as one can
# see: splitting by order keeps most hands of the last part away from training.
TRAINED = 1300

Pixels = npt.NDArray[np.uint8]


def enlarge(digit: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a digit of 8 × 8 pixels and levels 0 .. 16 as uint8[16, 16] of 0 .. 255."""
    levels = (digit.astype(np.int64) * 255 // 16).astype(np.uint8)
    image = Image.fromarray(levels).resize((DIGIT_SIDE, DIGIT_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8)


def load() -> tuple[Pixels, npt.NDArray[np.int64]]:
    """Return scikit-learn's digits, uint8[1797, 8, 8] of 0 .. 16, and their labels."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.asarray(digits.images, dtype=np.uint8)
    return images, np.asarray(digits.target, dtype=np.int64)


def _vary(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Turn, scale, slant and shift a digit, and vary its ink."""
    from scipy.ndimage import affine_transform

    turn, slant = rng.normal(scale=0.12), rng.normal(scale=0.12)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [slant - np.sin(turn), np.cos(turn)]])
    matrix /= rng.uniform(0.88, 1.12, size=2)[:, None]
    middle = (DIGIT_SIDE - 1) / 2
    offset = middle - matrix @ np.array([middle, middle]) + rng.normal(scale=0.7, size=2)
    moved = affine_transform(image.astype(np.float64), matrix, offset, order=1)
    moved = 255.0 * (np.clip(moved, 0, 255) / 255.0) ** rng.uniform(0.7, 1.4)
    noisy = moved * rng.uniform(0.75, 1.1) + rng.normal(scale=rng.uniform(0, 10), size=moved.shape)
    return np.asarray(np.clip(np.rint(noisy), 0, 255), dtype=np.uint8)


def network(tf: Any) -> Any:
    """Return the untrained network: four convolutions and a classifier."""
    layers = tf.keras.layers
    x = inputs = layers.Input((DIGIT_SIDE, DIGIT_SIDE, 1))
    x = layers.ReLU()(convolve(layers, x, 16))
    x = layers.ReLU()(convolve(layers, x, 16))
    x = layers.MaxPooling2D()(x)
    x = layers.ReLU()(convolve(layers, x, 32))
    x = layers.ReLU()(convolve(layers, x, 32))
    x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.4)(layers.Flatten()(x))
    return tf.keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def train(out: Path, seed: int, epochs: int = 30) -> None:
    """Train, quantise, measure, and write `digits.tflite` and `digits.toml` into `out`."""
    tf = tensorflow(seed)
    rng = np.random.default_rng([seed, 0])
    small, labels = load()
    images = np.stack([enlarge(one) for one in small])
    train_x, train_y = images[:TRAINED], labels[:TRAINED]
    test_x, test_y = images[TRAINED:], labels[TRAINED:]

    def scale(pixels: Pixels) -> npt.NDArray[np.float32]:
        return np.asarray(pixels[..., None] / np.float32(255), dtype=np.float32)

    batch = 32
    steps = len(train_x) // batch

    def batches() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]]:
        while True:
            order = rng.permutation(len(train_x))[: steps * batch].reshape(steps, batch)
            for chosen in order:
                varied = np.stack([_vary(one, rng) for one in train_x[chosen]])
                yield scale(varied), train_y[chosen]

    model = network(tf)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, epochs * steps)
    adam = tf.keras.optimizers.Adam(rate)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(batches(), steps_per_epoch=steps, epochs=epochs, verbose=2)

    samples = (scale(one[None]) for one in spread(list(train_x), 200))
    data = quantise(tf, model, samples, (0.0, 1.0))
    quantised = Quantised(tf, data)
    exact = np.argmax(model.predict(scale(test_x), verbose=0), axis=1) == test_y
    guess = np.array(
        [
            int(np.argmax(quantised.run((one.astype(np.int16) - 128).astype(np.int8))[0]))
            for one in test_x
        ]
    )
    accuracy: dict[str, object] = {
        "metric": "top-1 accuracy",
        "float": rounded(np.mean(exact)),
        "int8": rounded(np.mean(guess == test_y)),
        "examples": len(test_y),
        "held_out": f"the digits after the first {TRAINED}, unshuffled: by "
        "order mostly other writers, which the set does not name",
    }
    write_card(out, "digits", data, _card(seed, accuracy), quantised)


def _card(seed: int, accuracy: dict[str, object]) -> dict[str, dict[str, object]]:
    """What the card says, in words."""
    return {
        "": {
            "task": "read one handwritten digit, 16 × 16 pixels",
            "period": "100 ms",
            "labels": [str(digit) for digit in range(10)],
        },
        "input": {
            "kind": "image",
            "preprocessing": "8-bit grey, bright ink on black, resized to 16 × 16; the int8 "
            "value is the pixel less 128",
        },
        "accuracy": accuracy,
        "data": {
            "source": "load_digits of scikit-learn: Optical Recognition of Handwritten "
            "Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998; "
            "enlarged from 8 × 8",
            "licence": "CC-BY-4.0",
        },
        "training": {
            "command": f"hocket lab train digits --seed {seed} --out DIR",
            "packages": packages("tensorflow-cpu", "numpy", "scipy", "scikit-learn", "pillow"),
        },
        "limits": {
            "not": "one centred digit of a pen, seen at 8 × 8 pixels: not a reader of numbers, "
            "of print, of photographs, or of whatever is not a digit (it has no such answer)",
        },
    }
