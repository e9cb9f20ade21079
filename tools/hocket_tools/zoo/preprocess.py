# SPDX-License-Identifier: Apache-2.0
"""From files to input tensors, and from output tensors to answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import boxes
from .audio import fit, read_wav
from .cards import CardTensor, card
from .features import DENOISER, KEYWORD
from .images import read_grey, to_int8
from .scenes import Box

DETECTION_THRESHOLD = 0.4


@dataclass(frozen=True)
class Answer:
    """The result of one inference.

    Attributes
    ----------
    label
        The best label; for the detector the kinds found, sorted and joined by +, or "nothing";
        for the denoiser "speech" or "noise", by whether the mean gain reaches one half.
    score
        Between 0 and 1: of the label, of the best box (0 without), or the mean gain.
    boxes
        The detector's boxes, best first.
    gains
        The denoiser's gains of 0 .. 1, one a band, lowest band first.
    """

    label: str
    score: float
    boxes: tuple[Box, ...] = ()
    gains: tuple[float, ...] = ()


def quantise(values: npt.NDArray[np.floating[Any]], tensor: CardTensor) -> npt.NDArray[np.int8]:
    """Return real values as the int8 values of a tensor; what does not fit saturates.

    Parameters
    ----------
    values
        Real values of any shape.
    tensor
        Its scale and zero point.
    """
    steps = np.rint(np.asarray(values, dtype=np.float64) / tensor.scale) + tensor.zero_point
    return np.asarray(np.clip(steps, -128, 127), dtype=np.int8)


def dequantise(values: npt.NDArray[np.int8], tensor: CardTensor) -> npt.NDArray[np.float32]:
    """Return the real values that int8 values of a tensor stand for."""
    steps = values.astype(np.int32) - tensor.zero_point
    return np.asarray(steps * np.float32(tensor.scale), dtype=np.float32)


def from_audio(name: str, pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
    """Return the input tensor for a stretch of sound, int16[n] at 16 kHz.

    A longer stretch is cut to its middle, a shorter one centred in silence.
    """
    chosen = card(name)
    pcm = fit(pcm, chosen.samples)
    front_end = DENOISER if name == "denoiser" else KEYWORD
    return front_end.features(pcm).reshape(chosen.input.shape)


def from_image(name: str, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int8]:
    """Return the input tensor for an 8-bit grey image of the network's own size."""
    return to_int8(pixels).reshape(card(name).input.shape)


def preprocess(name: str, file: Path | str) -> npt.NDArray[np.int8]:
    """Return the exact input tensor that a network gets for a file.

    Parameters
    ----------
    name
        Name of the network.
    file
        For an audio network a WAV file (16 kHz, 16 bits, mono), else an image.

    Returns
    -------
    int8 array of the network's input shape.

    Raises
    ------
    ZooError
        No such network, or a file that cannot be used.
    """
    chosen = card(name)
    if chosen.kind == "audio":
        return from_audio(name, read_wav(file))
    return from_image(name, read_grey(file, chosen.input.shape[1]))


def interpret(name: str, outputs: Sequence[npt.NDArray[np.int8]]) -> Answer:
    """Interpret the outputs of one inference.

    Parameters
    ----------
    name
        Name of the network.
    outputs
        Its int8 outputs. The detector's two may come in either order.
    """
    chosen = card(name)
    if name == "detector":
        by_size = {tensor.shape[-1]: tensor for tensor in chosen.outputs}
        grids = {
            output.shape[-1]: dequantise(output, by_size[output.shape[-1]])[0] for output in outputs
        }
        found = boxes.decode(grids[len(chosen.labels)], grids[4], DETECTION_THRESHOLD)
        label = "+".join(sorted(box.kind for box in found)) or "nothing"
        return Answer(label, found[0].score if found else 0.0, boxes=tuple(found))
    values = dequantise(outputs[0], chosen.outputs[0]).reshape(-1)
    if name == "denoiser":
        mean = float(np.mean(values))
        gains = tuple(float(value) for value in values)
        return Answer("speech" if mean >= 0.5 else "noise", mean, gains=gains)
    best = int(np.argmax(values))
    return Answer(chosen.labels[best], float(values[best]))
