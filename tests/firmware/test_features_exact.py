# SPDX-License-Identifier: Apache-2.0
"""The device's audio front end against pymicro-features, to the bit."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sounds import CLIPS, SIGNALS, STEP, Samples, read, reference

from hocket_tools.frames.features import build_tables
from rigs.short_words import short_words

#: Of this machine's C library, which the reference computes its own tables with.
TABLES = build_tables()


def device(samples: Samples, tables: bytes | None = TABLES) -> NDArray[np.uint16]:
    from hocket.features import Frontend

    frontend = Frontend(tables)
    data = samples.astype("<i2").tobytes()
    found = [
        np.array(frontend.features)
        for at in range(0, len(data) - 2 * STEP + 1, 2 * STEP)
        if frontend.feed(data[at : at + 2 * STEP])
    ]
    return np.array(found, np.uint16).reshape(-1, frontend.channels)


def signal(name: str) -> Samples:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return SIGNALS[name](rng).astype(np.int16)


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_recording_gives_the_features_of_the_reference(clip: Path) -> None:
    samples = read(clip)
    expected = reference(samples)
    assert expected.any() or not samples.any()
    assert (device(samples) == expected).all()


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.stem)
def test_tables_of_the_package_give_them_too(clip: Path) -> None:
    samples = read(clip)[: 60 * STEP]
    assert (device(samples, None) == reference(samples)).all()


@pytest.mark.parametrize("name", SIGNALS)
def test_extreme_signal_gives_the_features_of_the_reference(name: str) -> None:
    samples = signal(name)
    assert (device(samples) == reference(samples)).all()


@pytest.mark.parametrize("name", SIGNALS)
def test_no_more_than_32_bits_are_needed(name: str) -> None:
    samples = signal(name)[: 6 * STEP]
    with short_words():
        found = device(samples)
    assert (found == reference(samples)).all()


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.tuples(st.integers(0, 15), st.integers(1, 400)), min_size=1, max_size=8),
)
def test_loudness_that_changes_within_frames_is_followed(
    seed: int, parts: list[tuple[int, int]]
) -> None:
    rng = np.random.default_rng(seed)
    pieces = [rng.integers(-(1 << bits), 1 << bits, n) for bits, n in parts]
    samples = np.resize(np.concatenate(pieces), 8 * STEP).astype(np.int16)
    assert (device(samples) == reference(samples)).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_long_noise_of_any_colour_gives_the_features_of_the_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    white = rng.normal(size=300 * STEP)
    shaped = np.convolve(white, rng.normal(size=rng.integers(1, 64)), "same")
    loud = shaped / np.abs(shaped).max() * 2.0 ** rng.uniform(1, 17)
    samples = np.clip(loud, -32768, 32767).astype(np.int16)
    assert (device(samples) == reference(samples)).all()
