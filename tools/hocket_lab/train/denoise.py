# SPDX-License-Identifier: Apache-2.0
"""From the denoiser's band gains back to sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from hocket_tools.zoo.features import DENOISER

# Frames of context that one inference sees: the newest and those before it.
CONTEXT = 8

# Less than this makes the remaining noise twitter; hearing aids keep a floor for that reason.
GAIN_FLOOR = 0.1


def windows(pcm: npt.NDArray[np.int16]) -> Iterator[npt.NDArray[np.int8]]:
    """Yield the input of each inference over a recording, int8[8, 32], one each 10 ms.

    The frames before the beginning are taken as silent.
    """
    features = DENOISER.features(pcm)
    silent = np.full((CONTEXT - 1, DENOISER.bands), -128, dtype=np.int8)
    padded = np.concatenate([silent, features])
    for index in range(len(features)):
        yield padded[index : index + CONTEXT]


def _half_window() -> npt.NDArray[np.float64]:
    n = np.arange(DENOISER.window)
    return np.sin(np.pi * (n + 0.5) / DENOISER.window)


def apply_gains(
    pcm: npt.NDArray[np.int16], gains: npt.NDArray[np.float64]
) -> npt.NDArray[np.int16]:
    """Weigh the bands of a recording.

    Parameters
    ----------
    pcm
        Samples, int16[n].
    gains
        float64[frames, 32] of 0 .. 1, one row per frame of ``DENOISER``.

    Returns
    -------
    int16[n]
        The sound; samples after the last whole frame are silent.
    """
    half = _half_window()
    weight = DENOISER.mel.astype(np.float64)
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
    # Bins that no band covers, at the very edges, are taken away.
    per_bin = np.maximum(gains, GAIN_FLOOR) @ share.T
    out = np.zeros(len(pcm))
    for index, gain in enumerate(per_bin):
        start = index * DENOISER.hop
        chosen = slice(start, start + DENOISER.window)
        spectrum = np.fft.rfft(pcm[chosen] * half)
        out[chosen] += half * np.fft.irfft(spectrum * gain, DENOISER.window)
    return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


def enhance(
    pcm: npt.NDArray[np.int16],
    infer: Callable[[npt.NDArray[np.int8]], npt.NDArray[np.int8]],
) -> npt.NDArray[np.int16]:
    """Denoise a whole recording.

    Parameters
    ----------
    pcm
        Samples at 16 kHz, int16[n].
    infer
        Runs the network: int8[1, 8, 32, 1] to int8[..., 32], of scale 1/256, zero point -128.
    """
    rows = [
        (infer(tensor.reshape(1, CONTEXT, DENOISER.bands, 1)).reshape(-1).astype(np.float64) + 128)
        / 256
        for tensor in windows(pcm)
    ]
    if not rows:
        return np.zeros(len(pcm), dtype=np.int16)
    return apply_gains(pcm, np.stack(rows))


def si_sdr_db(clean: npt.NDArray[np.generic], sound: npt.NDArray[np.generic]) -> float:
    """Return the scale-invariant signal-to-distortion ratio, in decibels.

    J. Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019.
    """
    want = clean.astype(np.float64)
    have = sound.astype(np.float64)
    target = want * (np.dot(have, want) / (np.dot(want, want) + 1e-9))
    rest = have - target
    return float(10.0 * np.log10(np.dot(target, target) / (np.dot(rest, rest) + 1e-9)))
