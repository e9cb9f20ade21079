# SPDX-License-Identifier: Apache-2.0
"""Train the detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hocket_tools.zoo.boxes import LONGEST, STRIDE, decode
from hocket_tools.zoo.images import to_int8
from hocket_tools.zoo.preprocess import DETECTION_THRESHOLD as THRESHOLD
from hocket_tools.zoo.scenes import SHAPES, SIDE, Box, scene

from .export import (
    Quantised,
    convolve,
    packages,
    quantise,
    rounded,
    separable,
    tensorflow,
    write_card,
)

# The network is fully convolutional, so most of the training sees small scenes, which cost a
# quarter; the last part sees whole ones, whose edges are rarer.
SMALL_SIDE = 64

Scene = tuple[npt.NDArray[np.uint8], list[Box]]


def encode(
    boxes: Sequence[Box], side: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the grids that the network should put out for `boxes`.

    Parameters
    ----------
    boxes
        Boxes in pixels.
    side
        Edge of the image, in pixels.

    Returns
    -------
    scores
        float32[side / 8, side / 8, shapes], 1 in the cell of a box's centre.
    places
        float32[side / 8, side / 8, 4]: centre inside the cell (x, y), width, height, 0 .. 1.
    """
    cells = side // STRIDE
    scores = np.zeros((cells, cells, len(SHAPES)), dtype=np.float32)
    places = np.zeros((cells, cells, 4), dtype=np.float32)
    for box in boxes:
        x = (box.left + box.right) / 2 / STRIDE
        y = (box.top + box.bottom) / 2 / STRIDE
        column = min(max(int(x), 0), cells - 1)
        row = min(max(int(y), 0), cells - 1)
        scores[row, column] = 0.0
        scores[row, column, SHAPES.index(box.kind)] = 1.0
        places[row, column] = (
            x - column,
            y - row,
            (box.right - box.left) / LONGEST,
            (box.bottom - box.top) / LONGEST,
        )
    return scores, np.clip(places, 0.0, 1.0)


def match(found: Sequence[Box], true: Sequence[Box]) -> list[bool]:
    """Say of each found box, best first, whether it hits a box of its kind not hit before.

    A hit overlaps by at least one half.
    """
    left = list(true)
    hits = []
    for box in found:
        same = [one for one in left if one.kind == box.kind and box.overlap(one) >= 0.5]
        if same:
            left.remove(max(same, key=box.overlap))
        hits.append(bool(same))
    return hits


def network(tf: Any, side: int) -> Any:
    """Return the untrained network for images of `side` × `side` pixels."""
    layers = tf.keras.layers

    def residual(x: Any, y: Any) -> Any:
        return layers.ReLU()(layers.Add()([x, y]))

    x = inputs = layers.Input((side, side, 1))
    x = layers.ReLU()(convolve(layers, x, 16, 3, 2))
    x = layers.ReLU()(convolve(layers, x, 16))
    x = layers.ReLU()(convolve(layers, x, 32, 3, 2))
    y = layers.ReLU()(convolve(layers, x, 32))
    x = residual(x, convolve(layers, y, 32))
    for _ in range(2):
        y = separable(layers, x, 64, 5)
        x = residual(x, convolve(layers, y, 32, 1))
    x = layers.ReLU()(convolve(layers, x, 64, 3, 2))
    for _ in range(2):
        y = separable(layers, x, 96, 5)
        x = residual(x, convolve(layers, y, 64, 1))
    x = layers.ReLU()(convolve(layers, x, 64))
    # Few cells hold a shape: starting from rare answers keeps the first steps calm.
    rare = tf.keras.initializers.Constant(-4.0)
    scores = layers.Conv2D(len(SHAPES), 1, activation="sigmoid", bias_initializer=rare)(x)
    places = layers.Conv2D(4, 1, activation="sigmoid")(x)
    return tf.keras.Model(inputs, [scores, places])


def _loss(tf: Any, truth: Any, scores: Any, places: Any) -> Any:
    """Focal loss on the scores, and distance on the places of the cells that hold a shape."""
    true_scores, true_places = truth
    p = tf.clip_by_value(scores, 1e-5, 1.0 - 1e-5)
    hit = true_scores * tf.square(1.0 - p) * tf.math.log(p)
    miss = (1.0 - true_scores) * tf.square(p) * tf.math.log(1.0 - p)
    held = tf.reduce_max(true_scores, axis=-1, keepdims=True)
    count = tf.reduce_sum(held) + 1.0
    # A shape's edges in pixels are LONGEST / STRIDE times as far as its centre's are.
    reach = tf.constant([1.0, 1.0, 6.0, 6.0])
    far = held * reach * tf.abs(true_places - places)
    return -tf.reduce_sum(hit + miss) / count + tf.reduce_sum(far) / count


def _batches(
    rng: np.random.Generator, count: int, size: int, side: int
) -> Iterator[tuple[npt.NDArray[np.float32], tuple[npt.NDArray[np.float32], ...]]]:
    for _ in range(count):
        scenes = [scene(rng, side) for _ in range(size)]
        images = np.stack([image for image, _ in scenes])[..., None] / np.float32(255)
        grids = [encode(found, side) for _, found in scenes]
        yield (
            images.astype(np.float32),
            (np.stack([grid[0] for grid in grids]), np.stack([grid[1] for grid in grids])),
        )


def _fit(tf: Any, model: Any, adam: Any, batches: Iterator[Any]) -> None:
    @tf.function  # type: ignore[untyped-decorator]
    def step(images: Any, scores: Any, places: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _loss(tf, (scores, places), *model(images, training=True))
        weights = model.trainable_variables
        adam.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    losses: list[float] = []
    for images, (scores, places) in batches:
        losses.append(float(step(images, scores, places)))
        if len(losses) % 100 == 0:
            print(f"{len(losses):6d} steps, loss {np.mean(losses[-100:]):.3f}", flush=True)


def held_out(seed: int, count: int) -> list[Scene]:
    """Return held-out scenes; half of them have stripes or checks that training never shows."""
    rng = np.random.default_rng([seed, 2])
    return [scene(rng, unseen=index % 2 == 1) for index in range(count)]


def measure(found: Sequence[Sequence[Box]], true: Sequence[Sequence[Box]]) -> float:
    """Return the F1 score at an overlap of one half."""
    hits = sum(sum(match(mine, yours)) for mine, yours in zip(found, true, strict=True))
    total = sum(len(boxes) for boxes in found) + sum(len(boxes) for boxes in true)
    return 2 * hits / total if total else 1.0


def order(
    outputs: Sequence[npt.NDArray[Any]],
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Return (scores, places) of one image from the outputs in whatever order they come."""
    scores, places = sorted(outputs, key=lambda one: -one.shape[-1])
    return scores.reshape(scores.shape[-3:]), places.reshape(places.shape[-3:])


def train(out: Path, seed: int, steps: int = 2800) -> None:
    """Train, quantise, measure, and write `detector.tflite` and `detector.toml` into `out`."""
    tf = tensorflow(seed)
    rng = np.random.default_rng([seed, 0])
    whole_steps = steps // 10
    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, steps)
    small = network(tf, SMALL_SIDE)
    _fit(tf, small, tf.keras.optimizers.Adam(rate), _batches(rng, steps, 32, SMALL_SIDE))
    model = network(tf, SIDE)
    model.set_weights(small.get_weights())
    rate = tf.keras.optimizers.schedules.CosineDecay(5e-4, whole_steps)
    _fit(tf, model, tf.keras.optimizers.Adam(rate), _batches(rng, whole_steps, 16, SIDE))

    samples = [images[:1] for images, _ in _batches(rng, 150, 1, SIDE)]
    data = quantise(tf, model, samples, (0.0, 1.0))
    quantised = Quantised(tf, data)
    scenes = held_out(seed, 300)
    true = [boxes for _, boxes in scenes]
    images = np.stack([image for image, _ in scenes])
    exact = []
    for start in range(0, len(images), 20):
        chunk = images[start : start + 20, ..., None].astype(np.float32) / np.float32(255)
        for scores, places in zip(*(np.asarray(o) for o in model(chunk)), strict=True):
            exact.append(decode(scores, places, THRESHOLD))
    rounded_off = []
    for image in images:
        outputs = quantised.run(to_int8(image))
        scores, places = order([(o.astype(np.float32) + 128) / np.float32(256) for o in outputs])
        rounded_off.append(decode(scores, places, THRESHOLD))
    accuracy: dict[str, object] = {
        "metric": f"F1 of boxes at overlap 0.5, score threshold {THRESHOLD}",
        "float": rounded(measure(exact, true)),
        "int8": rounded(measure(rounded_off, true)),
        "int8_familiar_clutter": rounded(measure(rounded_off[0::2], true[0::2])),
        "int8_unseen_clutter": rounded(measure(rounded_off[1::2], true[1::2])),
        "examples": sum(len(boxes) for boxes in true),
        "held_out": f"shapes in {len(scenes)} scenes of another seed, half of them over "
        "stripes or checks, which training never shows",
    }
    write_card(out, "detector", data, _card(seed, accuracy), quantised)


def _card(seed: int, accuracy: dict[str, object]) -> dict[str, dict[str, object]]:
    """What the card says, in words."""
    return {
        "": {
            "task": f"find shapes in a cluttered grey image, {SIDE} × {SIDE} pixels",
            "period": "500 ms",
            "labels": SHAPES,
        },
        "input": {
            "kind": "image",
            "preprocessing": f"8-bit grey, resized to {SIDE} × {SIDE}; the int8 value is the "
            "pixel less 128",
        },
        "accuracy": accuracy,
        "data": {
            "source": "scenes drawn by zoo.scenes: no photographs",
            "licence": "Apache-2.0, our own output",
        },
        "training": {
            "command": f"hocket lab train detector --seed {seed} --out DIR",
            "packages": packages("tensorflow-cpu", "numpy", "pillow"),
        },
        "limits": {
            "not": "drawn scenes only: not a detector of anything in photographs, people "
            f"least of all; one shape a cell of {STRIDE} × {STRIDE} pixels, edges up to 64",
        },
    }
