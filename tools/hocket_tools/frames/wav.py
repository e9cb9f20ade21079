# SPDX-License-Identifier: Apache-2.0
"""Recordings: uncompressed wav files."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError


def read_wav(path: Path | str, kind: Callable[..., HocketError]) -> tuple[int, int, int, bytes]:
    """Sample rate in Hz, bits of a sample, channels, and whole frames; ``kind`` is the error."""
    try:
        with wave.open(str(path), "rb") as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError, OSError) as error:
        raise kind(
            "not a recording",
            where=path,
            found=str(error) or "an early end of the file",
            expected="a wav file of uncompressed PCM",
        ) from error
    return rate, 8 * width, channels, data[: len(data) // (width * channels) * width * channels]


def read_mono(path: Path | str, rate: int, kind: Callable[..., HocketError]) -> NDArray[np.int16]:
    """Samples of one channel, 16 bits and a rate in Hz: nothing is resampled."""
    *found, data = read_wav(path, kind)
    if found != [rate, 16, 1]:
        raise kind(
            "a recording of another format",
            where=path,
            found="{} Hz, {} bits, {} channels".format(*found),
            expected=f"{rate} Hz, 16 bits, 1 channel",
            try_=f"convert it, for instance: sox in.wav -r {rate} -b 16 -c 1 out.wav",
        )
    return np.frombuffer(data, "<i2").astype(np.int16)
