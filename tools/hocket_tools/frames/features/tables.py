# SPDX-License-Identifier: Apache-2.0
"""Tables of the audio front end, as ``hocket.features.frontend`` reads them.

Everything that takes a float to compute is computed here, so that the device needs integers only.
Intermediate values are rounded to float32 where the micro front end of TensorFlow has that type,
and functions are those of the machine's C library, as there: an entry of a table may lie on either
side of a rounding, and frames are to be equal to the bit. Libraries differ in the last bit of
``log1pf``, which moves some weights of the filter bank by 1/4096.

The tables are half words, little-endian: a header of `HEADER`, then window, quarter of a cosine,
widths of the filter bank's groups, weights of its bins, and tables of gain and of logarithm.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _libm
from .settings import FeatureError, FrontendSettings

HEADER = (
    "version", "window", "step", "fft", "channels", "first_bin", "bins", "smoothing_bits",
    "even_smoothing", "odd_smoothing", "remaining", "gain", "snr_shift", "correction_bits",
    "log", "scale_shift",
)  # fmt: skip
VERSION = 1

_F = np.float32
_WINDOW_BITS = 12
_BANK_BITS = 12
_NOISE_BITS = 14
_SNR_BITS = 12
_GAIN_INTERVALS = 32
_LOG_SEGMENTS = 128


@dataclass(frozen=True)
class FilterBank:
    """Triangles over the bins of the transform, each bin in two of them at most."""

    first_bin: int
    widths: tuple[int, ...]
    """Bins of each group, one more than channels: a channel's triangle rises over one group and
    falls over the next."""
    weights: tuple[int, ...]
    """Of each bin in the triangle that it rises in, over 4096; the rest is its weight in the
    triangle before."""


def build_tables(settings: FrontendSettings | None = None) -> bytes:
    """Tables of a front end.

    Parameters
    ----------
    settings
        microWakeWord's when None.

    Raises
    ------
    FeatureError
        A setting is out of range.
    """
    settings = settings or FrontendSettings()
    settings.check()
    bank = filter_bank(settings)
    header = (
        VERSION,
        settings.window_samples,
        settings.step_samples,
        settings.fft_size,
        settings.num_channels,
        bank.first_bin,
        len(bank.weights),
        settings.smoothing_bits,
        int(_F(settings.even_smoothing) * _F(1 << _NOISE_BITS)),
        int(_F(settings.odd_smoothing) * _F(1 << _NOISE_BITS)),
        int(_F(settings.min_signal_remaining) * _F(1 << _NOISE_BITS)),
        int(settings.enable_pcan),
        settings.gain_bits - settings.correction_bits - _SNR_BITS,
        settings.correction_bits,
        int(settings.enable_log),
        settings.scale_shift,
    )
    values = [
        *header,
        *window(settings.window_samples),
        *cosine(settings.fft_size),
        *bank.widths,
        *bank.weights,
        *gains(settings),
        *logarithms(),
    ]
    return struct.pack(f"<{len(values)}H", *(value & 0xFFFF for value in values))


def window(size: int) -> Iterator[int]:
    """Hann window over 4096, sampled at the middle of each sample."""
    step = _F(math.pi) * _F(2) / _F(size)
    for i in range(size):
        angle = step * (_F(i) + _F(0.5))
        value = _F(0.5) - _F(0.5) * _libm.cos(angle)
        yield math.floor(value * _F(1 << _WINDOW_BITS) + _F(0.5))


def cosine(size: int) -> Iterator[int]:
    """First quarter of a cosine of ``size`` samples, both ends included, over 32767."""
    for i in range(size // 4 + 1):
        yield math.floor(0.5 + 32767 * math.cos(2 * math.pi * i / size))


def _mel(hz: np.float32) -> np.float32:
    return _F(1127) * _libm.log1p(hz / _F(700))


def filter_bank(settings: FrontendSettings) -> FilterBank:
    """Triangles of equal width on the mel scale.

    Raises
    ------
    FeatureError
        The upper end of the band needs bins that the transform has not.
    """
    bins = settings.fft_size // 2
    hz_per_bin = _F(0.5) * _F(settings.sample_rate) / _F(bins)
    low = _mel(_F(settings.lower_band_limit))
    span = _mel(_F(settings.upper_band_limit)) - low
    spacing = span / _F(settings.num_channels + 1)
    centres = [low + spacing * _F(i + 1) for i in range(settings.num_channels + 1)]
    first = int(_F(1.5) + _F(settings.lower_band_limit) / hz_per_bin)
    widths, weights = [], []
    at = first
    for centre, before in zip(centres, [low, *centres], strict=False):
        start = at
        while (mel := _mel(_F(at) * hz_per_bin)) <= centre:
            weight = (centre - mel) / (centre - before)
            weights.append(math.floor(weight * _F(1 << _BANK_BITS) + _F(0.5)))
            at += 1
        widths.append(at - start)
    if at > bins:
        raise FeatureError(
            "the band of the audio front end is not below half the sample rate",
            found=f"bin {at - 1}",
            expected=f"bins up to {bins - 1}",
            try_="a lower upper_band_limit",
        )
    return FilterBank(first, tuple(widths), tuple(weights))


def gains(settings: FrontendSettings) -> list[int]:
    """Gain over an estimate of noise: two values, then parabolas, one for each power of two."""
    input_bits = settings.smoothing_bits - settings.correction_bits

    def gain(noise: int) -> int:
        level = _F(noise) / _F(1 << input_bits) + _F(settings.pcan_offset)
        value = _F(1 << settings.gain_bits) * _libm.pow(level, -_F(settings.pcan_strength))
        return 0x7FFF if value > 0x7FFF else int(value + _F(0.5))

    found = [gain(0), gain(1)]
    for interval in range(2, _GAIN_INTERVALS + 1):
        x0 = 1 << (interval - 1)
        x2 = 2 * x0 - 1 if interval == _GAIN_INTERVALS else 2 * x0
        y0, y1, y2 = gain(x0), gain(x0 + x0 // 2), gain(x2)
        slope = 4 * (y1 - y0) - (y2 - y0)
        found += [y0, slope, y2 - y0 - slope, 0]
    return found


def logarithms() -> list[int]:
    """What log2(1 + x) is above x, over 65536, for x in 128 steps from 0 to 1."""
    x: NDArray[np.float64] = np.arange(_LOG_SEGMENTS + 1) / _LOG_SEGMENTS
    return [int(value) for value in np.floor((np.log2(1 + x) - x) * 65536 + 0.5)]
