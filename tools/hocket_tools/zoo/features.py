# SPDX-License-Identifier: Apache-2.0
"""Integer log-mel features: the same bytes on every machine.

Each frame is windowed, transformed by a plain DFT, summed into triangular mel bands and
turned into ``floor(8 * log2(energy))``. Every step is integer arithmetic. The two matrix
products run in float64 only because that is what a BLAS is fast at: all partial sums stay
below 2**53, so they are exact and their order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

SAMPLE_HZ = 16_000

_WINDOW_BITS = 15
_TRIG_BITS = 14
_MEL_BITS = 8
# Kept below the sample's own LSB, so that a quiet signal does not round to nothing.
_GUARD_BITS = 4

# round(2**30 * 2**(k/8)): the eight steps of an octave, written out so that no libm takes part.
_OCTAVE = (
    1073741824,
    1170923762,
    1276901417,
    1392470869,
    1518500250,
    1655936265,
    1805811301,
    1969251188,
)
_OCTAVES = 62
_THRESHOLDS = np.array(
    [((step << octave) + (1 << 29)) >> 30 for octave in range(_OCTAVES) for step in _OCTAVE],
    dtype=np.int64,
)


@dataclass(frozen=True)
class FrontEnd:
    """A log-mel front end for 16 kHz mono audio.

    Parameters
    ----------
    window
        Length of a frame, in samples; it is also the length of the DFT.
    hop
        Samples from one frame to the next.
    bands
        Number of mel bands.
    low_hz, high_hz
        Edges of the lowest and of the highest band.
    offset
        Log energy, in eighths of an octave, that becomes the feature 0.
    """

    window: int
    hop: int
    bands: int
    low_hz: int
    high_hz: int
    offset: int

    def count(self, samples: int) -> int:
        """Return how many whole frames `samples` samples hold."""
        return 0 if samples < self.window else 1 + (samples - self.window) // self.hop

    @cached_property
    def _shape(self) -> npt.NDArray[np.int64]:
        n = np.arange(self.window)
        hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * n / self.window)
        return np.rint(hann * ((1 << _WINDOW_BITS) - 1)).astype(np.int64)

    @cached_property
    def _dft(self) -> npt.NDArray[np.float64]:
        half = self.window // 2 + 1
        # Reduced modulo the length first: the argument stays small and the cosine accurate.
        turn = np.outer(np.arange(self.window), np.arange(half)) % self.window
        angle = 2.0 * np.pi * turn / self.window
        turns = np.hstack([np.cos(angle), np.sin(angle)])
        return np.asarray(np.rint(turns * (1 << _TRIG_BITS)), dtype=np.float64)

    @cached_property
    def mel(self) -> npt.NDArray[np.int64]:
        """Band weights in Q8, int64[window // 2 + 1, bands]."""
        scale = 2595.0 / np.log(10.0)

        def to_mel(hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            return np.asarray(scale * np.log1p(hz / 700.0), dtype=np.float64)

        low, high = to_mel(np.array([self.low_hz, self.high_hz], dtype=np.float64)).tolist()
        edges = np.linspace(low, high, self.bands + 2)
        bins = to_mel(np.arange(self.window // 2 + 1, dtype=np.float64) * SAMPLE_HZ / self.window)
        rise = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
        fall = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
        weight = np.clip(np.minimum(rise, fall), 0.0, 1.0)
        return np.asarray(np.rint(weight * (1 << _MEL_BITS)), dtype=np.int64)

    def energies(self, pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        """Return the mel energies of every whole frame.

        Parameters
        ----------
        pcm
            Samples, int16[n].

        Returns
        -------
        int64[count(n), bands]
        """
        count = self.count(len(pcm))
        if not count:
            return np.zeros((0, self.bands), dtype=np.int64)
        frames = np.lib.stride_tricks.sliding_window_view(pcm, self.window)[:: self.hop]
        shaped = (frames.astype(np.int64) * self._shape) >> (_WINDOW_BITS - _GUARD_BITS)
        spectrum = (shaped.astype(np.float64) @ self._dft).astype(np.int64) >> _TRIG_BITS
        half = self.window // 2 + 1
        power = spectrum[:, :half] ** 2 + spectrum[:, half:] ** 2
        power >>= 2 * _GUARD_BITS
        return np.asarray(power @ self.mel, dtype=np.int64)

    def features(self, pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int8]:
        """Return the features of every whole frame, saturated to int8.

        Parameters
        ----------
        pcm
            Samples, int16[n].

        Returns
        -------
        int8[count(n), bands]
            ``floor(8 * log2(energy)) - offset``, limited to -128 .. 127.
        """
        level = np.searchsorted(_THRESHOLDS, self.energies(pcm), side="right") - 1
        return np.clip(level - self.offset, -128, 127).astype(np.int8)


KEYWORD = FrontEnd(window=512, hop=320, bands=32, low_hz=80, high_hz=7600, offset=258)
DENOISER = FrontEnd(window=320, hop=160, bands=32, low_hz=20, high_hz=8000, offset=258)
