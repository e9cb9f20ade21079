# SPDX-License-Identifier: Apache-2.0
"""Make the sample inputs that ship with the zoo, and the held-out examples of its tests."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from hocket_tools.zoo.features import DENOISER, SAMPLE_HZ
from hocket_tools.zoo.scenes import scene

from . import digits, keyword, noise
from .denoise import CONTEXT
from .speech import Voice, speak

Wave = npt.NDArray[np.float64]

# Variants and an accent that training never hears.
_VOICES = (
    Voice("en-gb", "iven2", 150, 45),
    Voice("en-us", "Andy", 160, 50),
    Voice("en-029", "grandpa", 150, 40),
)
_SAMPLE_WORDS = ("yes", "stop")
_STREAM_WORDS = ("left", "go", "yes")
_GAP = 2_400
_EXAMPLES_A_LABEL = 10
# Together they show every shape.
_SCENE_SEEDS = (101, 112)


def write_wav(path: Path | str, pcm: npt.NDArray[np.int16]) -> None:
    """Write int16[samples] as a 16 kHz, 16-bit, mono WAV file."""
    with wave.open(str(path), "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(SAMPLE_HZ)
        sink.writeframes(pcm.astype("<i2").tobytes())


def _noisy(speech: Wave, rng: np.random.Generator, snr_db: float) -> npt.NDArray[np.int16]:
    background = noise.pink(len(speech), rng)
    spoken, rest = noise.mix(speech, background, snr_db, 12_000.0)
    return np.asarray(np.rint(spoken + rest), dtype=np.int16)


def _words(out: Path, rng: np.random.Generator) -> None:
    for index, word in enumerate(_SAMPLE_WORDS):
        spoken = np.pad(speak(word, _VOICES[index % len(_VOICES)]), 400)
        write_wav(out / f"keyword-{word}-{index}.wav", _noisy(spoken, rng, 30.0))
    quiet = np.rint(40.0 * rng.normal(size=1_600)).astype(np.int16)
    write_wav(out / f"keyword-silence-{len(_SAMPLE_WORDS)}.wav", quiet)


def _recording(out: Path, rng: np.random.Generator) -> None:
    """Words in noise for the stream, and a window of speech and one of noise cut from it."""
    pieces = [np.zeros(_GAP)]
    for word, voice in zip(_STREAM_WORDS, _VOICES, strict=True):
        spoken = speak(word, voice)
        pieces += [8_000.0 * spoken / np.max(np.abs(spoken)), np.zeros(2 * _GAP)]
    sound = _noisy(np.concatenate(pieces), rng, 15.0)
    write_wav(out / f"stream-{'+'.join(_STREAM_WORDS)}.wav", sound)
    window = DENOISER.window + (CONTEXT - 1) * DENOISER.hop
    write_wav(out / "denoiser-noise-0.wav", sound[:window])
    # The middle of the first word's loudest stretch.
    loudest = _GAP + int(np.argmax(np.abs(pieces[1])))
    write_wav(out / "denoiser-speech-1.wav", sound[loudest - window + 400 :][:window])


def _digits(out: Path) -> None:
    images, labels = digits.load()
    for digit in range(10):
        first = digits.TRAINED + int(np.argmax(labels[digits.TRAINED :] == digit))
        image = Image.fromarray(digits.enlarge(images[first]))
        image.save(out / f"digits-{digit}-{digit}.png", optimize=True)


def _scenes(out: Path) -> None:
    for index, seed in enumerate(_SCENE_SEEDS):
        pixels, boxes = scene(np.random.default_rng(seed))
        kinds = "+".join(sorted(box.kind for box in boxes))
        image = Image.fromarray(pixels)
        image.save(out / f"detector-{kinds}-{index}.png", optimize=True)


def _held_out(out: Path, seed: int) -> None:
    """Write the same number of held-out examples of each word, and the held-out digits."""
    features, labels = keyword.held_out(seed, 60)
    order = np.random.default_rng([seed, 3]).permutation(len(labels))
    chosen = np.concatenate(
        [order[labels[order] == label][:_EXAMPLES_A_LABEL] for label in range(len(keyword.LABELS))]
    )
    images, numbers = digits.load()
    np.savez_compressed(
        out / "heldout.npz",
        keyword=features[chosen],
        keyword_labels=labels[chosen].astype(np.uint8),
        digits=images[digits.TRAINED :],
        digits_labels=numbers[digits.TRAINED :].astype(np.uint8),
    )


def write(out: Path, seed: int) -> None:
    """Write the samples into ``out / "samples"`` and ``heldout.npz`` into ``out``."""
    folder = out / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, 4])
    _words(folder, rng)
    _recording(folder, rng)
    _digits(folder)
    _scenes(folder)
    _held_out(out, seed)
