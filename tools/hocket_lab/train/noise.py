# SPDX-License-Identifier: Apache-2.0
"""Background noise, synthesised: the kinds a network trains on and the kinds kept from it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hocket_tools.zoo.features import SAMPLE_HZ

Wave = npt.NDArray[np.float64]
Noise = Callable[[int, np.random.Generator], Wave]


def _coloured(samples: int, rng: np.random.Generator, slope: float) -> Wave:
    spectrum = np.fft.rfft(rng.normal(size=samples))
    hz = np.fft.rfftfreq(samples, 1.0 / SAMPLE_HZ)
    spectrum *= np.maximum(hz, 30.0) ** (-slope / 2.0)
    return np.asarray(np.fft.irfft(spectrum, samples), dtype=np.float64)


def white(samples: int, rng: np.random.Generator) -> Wave:
    """Return noise of equal power at every frequency."""
    return _coloured(samples, rng, 0.0)


def pink(samples: int, rng: np.random.Generator) -> Wave:
    """Return noise that falls by about 3 dB an octave."""
    return _coloured(samples, rng, rng.uniform(0.7, 1.4))


def brown(samples: int, rng: np.random.Generator) -> Wave:
    """Return noise that falls by about 6 dB an octave: traffic, wind on a wall."""
    return _coloured(samples, rng, rng.uniform(1.6, 2.2))


def hum(samples: int, rng: np.random.Generator) -> Wave:
    """Return mains hum: harmonics of 50 or 60 Hz over a little pink noise."""
    time = np.arange(samples) / SAMPLE_HZ
    base = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    wave = pink(samples, rng)
    wave /= np.std(wave)
    for harmonic in range(1, 13):
        level = rng.uniform(0.0, 2.0) / harmonic
        wave += level * np.sin(2 * np.pi * (base * harmonic * time + rng.uniform()))
    return wave


def fan(samples: int, rng: np.random.Generator) -> Wave:
    """Return broadband noise whose level swings slowly."""
    time = np.arange(samples) / SAMPLE_HZ
    swing = 1.0 + 0.6 * np.sin(2 * np.pi * (rng.uniform(0.5, 8.0) * time + rng.uniform()))
    return _coloured(samples, rng, rng.uniform(0.0, 1.5)) * swing


def tones(samples: int, rng: np.random.Generator) -> Wave:
    """Return a few steady tones and their harmonics over noise: engines, alarms, music."""
    time = np.arange(samples) / SAMPLE_HZ
    wave = pink(samples, rng)
    wave *= rng.uniform(0.1, 1.0) / np.std(wave)
    for _ in range(int(rng.integers(1, 4))):
        base = 10.0 ** rng.uniform(1.8, 3.2)
        fall = rng.uniform(0.3, 1.5)
        for harmonic in range(1, int(min(25.0, 7000.0 / base)) + 1):
            angle = 2 * np.pi * (base * harmonic * time + rng.uniform())
            wave += rng.uniform(0.3, 1.0) * harmonic**-fall * np.sin(angle)
    return wave


def knocks(samples: int, rng: np.random.Generator) -> Wave:
    """Return a few decaying knocks over soft noise."""
    wave = _coloured(samples, rng, rng.uniform(0.0, 1.5))
    wave *= 0.1 / np.std(wave)
    for start in rng.integers(0, samples, size=max(1, int(samples * rng.uniform(2, 20)) // 16000)):
        length = min(samples - int(start), int(rng.integers(100, 3000)))
        n = np.arange(length)
        body = np.sin(2 * np.pi * rng.uniform(80.0, 3000.0) * n / SAMPLE_HZ)
        knock = np.exp(-4.0 * n / length) * (body + rng.uniform(0, 1) * rng.normal(size=length))
        wave[start : start + length] += rng.uniform(0.3, 1.5) * knock
    return wave


def rain(samples: int, rng: np.random.Generator) -> Wave:
    """Return many short decaying clicks over a soft hiss. Held out from training."""
    wave = 0.2 * white(samples, rng)
    decay = np.exp(-np.arange(160) / rng.uniform(8.0, 40.0))
    for start in rng.integers(0, max(1, samples - 160), size=max(1, samples // 250)):
        burst = (decay * rng.normal(size=160))[: samples - start]
        wave[start : start + len(burst)] += rng.uniform(0.5, 4.0) * burst
    return wave


def motor(samples: int, rng: np.random.Generator) -> Wave:
    """Return a pulse train of wandering speed through a resonance. Held out from training."""
    speed = rng.uniform(70.0, 160.0) * (1.0 + 0.1 * np.cumsum(rng.normal(size=samples)) / samples)
    phase = np.cumsum(speed) / SAMPLE_HZ
    pulses = (np.diff(np.floor(phase), prepend=0.0) > 0).astype(np.float64)
    n = np.arange(400)
    ring = np.exp(-n / 60.0) * np.sin(2 * np.pi * rng.uniform(300.0, 1800.0) * n / SAMPLE_HZ)
    wave = np.convolve(pulses, ring)[:samples]
    return np.asarray(wave / (np.std(wave) + 1e-9) + 0.3 * white(samples, rng), dtype=np.float64)


TRAINED: tuple[Noise, ...] = (white, pink, brown, hum, fan, tones, knocks)
HELD_OUT: tuple[Noise, ...] = (rain, motor)


def mix(speech: Wave, noise: Wave, snr_db: float, level: float) -> tuple[Wave, Wave]:
    """Scale speech and noise to a ratio and a common peak.

    Parameters
    ----------
    speech, noise
        float64[n] of any level; a silent `speech` gives the noise alone.
    snr_db
        Ratio of their powers, in decibels; the speech's power is taken where it is active.
    level
        Peak of the sum, in int16 steps.

    Returns
    -------
    speech, noise
        float64[n], to be added.
    """
    active = speech[np.abs(speech) > 0.02 * (np.max(np.abs(speech)) + 1e-9)]
    speech_rms = float(np.sqrt(np.mean(active**2))) if len(active) else 0.0
    noise_rms = float(np.sqrt(np.mean(noise**2))) + 1e-12
    gain = (speech_rms if speech_rms > 0.0 else 1.0) * 10.0 ** (-snr_db / 20.0) / noise_rms
    scaled = noise * gain
    peak = float(np.max(np.abs(speech + scaled))) + 1e-12
    return speech * (level / peak), scaled * (level / peak)
