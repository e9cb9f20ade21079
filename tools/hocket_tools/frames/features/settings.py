# SPDX-License-Identifier: Apache-2.0
"""Settings of the audio front end."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from hocket_host.errors import HocketError


class FeatureError(HocketError):
    """Settings, or audio, that the front end cannot take."""


class FrontendSettings(BaseModel):
    """Settings of the micro front end; the defaults are those that microWakeWord is trained with.

    Names are those of TensorFlow's microfrontend, so that a model's training script can be copied;
    an application file has hyphens in place of underscores.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )

    sample_rate: int = 16_000
    """In Hz."""
    window_size_ms: int = 30
    window_step_ms: int = 10
    num_channels: int = 40
    lower_band_limit: float = 125.0
    """In Hz, as the upper one."""
    upper_band_limit: float = 7500.0
    smoothing_bits: int = 10
    even_smoothing: float = 0.025
    odd_smoothing: float = 0.06
    min_signal_remaining: float = 0.05
    enable_pcan: bool = True
    pcan_strength: float = 0.95
    pcan_offset: float = 80.0
    gain_bits: int = 21
    enable_log: bool = True
    scale_shift: int = 6

    @property
    def window_samples(self) -> int:
        """Length of a window in samples."""
        return self.window_size_ms * self.sample_rate // 1000

    @property
    def step_samples(self) -> int:
        """Samples from the start of one window to that of the next."""
        return self.window_step_ms * self.sample_rate // 1000

    @property
    def fft_size(self) -> int:
        """Length of the transform: the least power of two that holds a window."""
        return 1 << max(self.window_samples - 1, 1).bit_length()

    @property
    def correction_bits(self) -> int:
        """Bits of a level that the transform and the filter bank have taken."""
        return self.fft_size.bit_length() - 1 - 6

    def check(self) -> None:
        """Refuse what the front end's integers cannot hold.

        Raises
        ------
        FeatureError
            Names the first setting that is out of range.
        """
        _within("window_size_ms", self.window_samples, 65, 2048, "samples")
        _within("window_step_ms", self.step_samples, 1, self.window_samples, "samples")
        _within("num_channels", self.num_channels, 1, 128, "channels")
        _within("lower_band_limit", self.lower_band_limit, 0, self.upper_band_limit, "Hz")
        _within("upper_band_limit", self.upper_band_limit, 1, self.sample_rate / 2, "Hz")
        _within("smoothing_bits", self.smoothing_bits, self.correction_bits, 10, "bits")
        for name in ("even_smoothing", "odd_smoothing", "min_signal_remaining"):
            _within(name, getattr(self, name), 0, 0.9999, "of the signal")
        _within("gain_bits", self.gain_bits, self.correction_bits + 17, 24, "bits")
        _within("scale_shift", self.scale_shift, 0, 8, "bits")


def _within(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise FeatureError(
            "setting of the audio front end is out of range",
            where=name,
            found=f"{value} {unit}",
            expected=f"{low} to {high} {unit}",
        )
