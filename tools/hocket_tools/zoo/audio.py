# SPDX-License-Identifier: Apache-2.0
"""16-bit mono WAV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..frames.wav import read_mono
from .cards import ZooError
from .features import SAMPLE_HZ


def read_wav(path: Path | str) -> npt.NDArray[np.int16]:
    """Samples of a 16 kHz, 16-bit, mono WAV file.

    Raises
    ------
    ZooError
        The file is not such a file.
    """
    return read_mono(path, SAMPLE_HZ, ZooError)


def fit(pcm: npt.NDArray[np.int16], samples: int) -> npt.NDArray[np.int16]:
    """Return exactly `samples` samples: the middle of a longer clip, a shorter one centred."""
    if len(pcm) >= samples:
        start = (len(pcm) - samples) // 2
        return pcm[start : start + samples]
    out = np.zeros(samples, dtype=np.int16)
    start = (samples - len(pcm)) // 2
    out[start : start + len(pcm)] = pcm
    return out
