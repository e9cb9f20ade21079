# SPDX-License-Identifier: Apache-2.0
"""16-bit mono WAV files."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cards import ZooError
from .features import SAMPLE_HZ


def read_wav(path: Path | str) -> npt.NDArray[np.int16]:
    """Read a 16 kHz, 16-bit, mono WAV file.

    Returns
    -------
    int16[samples]

    Raises
    ------
    ZooError
        The file is not a WAV file, or not of that rate, width and channel count.
    """
    try:
        with wave.open(str(path), "rb") as source:
            found = (source.getframerate(), 8 * source.getsampwidth(), source.getnchannels())
            data = source.readframes(source.getnframes())
    except (wave.Error, EOFError, OSError) as error:
        raise ZooError(
            "not a readable WAV file",
            where=path,
            found=error,
            expected="a RIFF/WAVE file of PCM samples",
        ) from error
    if found != (SAMPLE_HZ, 16, 1):
        raise ZooError(
            "a WAV file of another format",
            where=path,
            found="{} Hz, {} bits, {} channel(s)".format(*found),
            expected=f"{SAMPLE_HZ} Hz, 16 bits, 1 channel",
            try_="convert it, for instance: sox in.wav -r 16000 -b 16 -c 1 out.wav",
        )
    return np.frombuffer(data, dtype="<i2").astype(np.int16)


def write_wav(path: Path | str, pcm: npt.NDArray[np.int16]) -> None:
    """Write int16[samples] as a 16 kHz, 16-bit, mono WAV file."""
    with wave.open(str(path), "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(SAMPLE_HZ)
        sink.writeframes(pcm.astype("<i2").tobytes())


def fit(pcm: npt.NDArray[np.int16], samples: int) -> npt.NDArray[np.int16]:
    """Return exactly `samples` samples: the middle of a longer clip, a shorter one centred."""
    if len(pcm) >= samples:
        start = (len(pcm) - samples) // 2
        return pcm[start : start + samples]
    out = np.zeros(samples, dtype=np.int16)
    start = (samples - len(pcm)) // 2
    out[start : start + len(pcm)] = pcm
    return out
