# SPDX-License-Identifier: Apache-2.0
"""Tables of the audio front end, for other settings than the default too."""

from __future__ import annotations

import importlib.util
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from hocket_lab.generate.features import source
from hocket_tools.frames.features import FeatureError, FrontendSettings, build_tables
from hocket_tools.frames.features.tables import HEADER, filter_bank
from paths import ROOT

FILE = ROOT / "firmware" / "hocket" / "features" / "micro.py"


def packaged() -> bytes:
    spec = importlib.util.spec_from_file_location("micro_tables", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tables: bytes = module.TABLES
    return tables


def test_tables_of_the_package_are_those_of_the_default_settings() -> None:
    there = np.frombuffer(packaged(), "<i2").astype(int)
    here = np.frombuffer(build_tables(), "<i2").astype(int)
    assert there.shape == here.shape
    # Another C library may round logarithms otherwise, by which weights are made.
    weights = slice(len(HEADER) + 480 + 129 + 41, len(HEADER) + 480 + 129 + 41 + 236)
    assert np.abs(there - here)[weights].max() <= 1
    assert (np.delete(there, weights) == np.delete(here, weights)).all()


def test_module_is_written_as_it_is_in_the_package() -> None:
    assert source(packaged()) == FILE.read_text()


def loud_and_quiet(count: int = 9600) -> bytes:
    """Noise of changing loudness by a generator that any language has."""
    state, found = 12345, []
    for at in range(count):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        found.append(((state >> 8) % 65536 - 32768) >> at // 800 % 12)
    return np.array(found, "<i2").tobytes()


#: Check sums of the features that TensorFlow's microfrontend, compiled from the sources of
#: pymicro-features 2.0.2, makes of that noise.
OTHERS = {
    0xC4522B2C: FrontendSettings(window_step_ms=20),
    0x5769A16C: FrontendSettings(
        sample_rate=8000, window_size_ms=25, num_channels=20, lower_band_limit=80,
        upper_band_limit=3800, enable_pcan=False,
    ),
    0x5E66CA00: FrontendSettings(
        window_size_ms=64, window_step_ms=20, num_channels=64, lower_band_limit=60,
        upper_band_limit=7600, gain_bits=23,
    ),
    0xA2A9A8FA: FrontendSettings(window_size_ms=25, num_channels=32, enable_log=False),
    0xC816FD91: FrontendSettings(
        sample_rate=48000, window_size_ms=40, num_channels=80, lower_band_limit=50,
        upper_band_limit=20000, enable_pcan=False, smoothing_bits=8, gain_bits=22,
    ),
    0x0920F16F: FrontendSettings(
        sample_rate=8000, window_size_ms=16, window_step_ms=8, num_channels=16,
        lower_band_limit=300, upper_band_limit=3400, smoothing_bits=6,
    ),
    0x469B4F26: FrontendSettings(window_step_ms=30, num_channels=1),
}  # fmt: skip


@pytest.mark.skipif(
    build_tables() != packaged(), reason="the C library's logarithm is not the one of the sums"
)
@pytest.mark.parametrize("expected", OTHERS, ids=hex)
def test_other_settings_give_the_features_of_the_reference(expected: int) -> None:
    chosen = OTHERS[expected]
    data = loud_and_quiet()
    step = 2 * chosen.step_samples
    with installed(ProcessMemory()):
        from hocket.features import Frontend

        frontend = Frontend(build_tables(chosen))
        found = b"".join(
            bytes(frontend.features)
            for at in range(0, len(data) - step + 1, step)
            if frontend.feed(data[at : at + step])
        )
    assert zlib.crc32(found) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window_size_ms", 4),
        ("window_size_ms", 200),
        ("window_step_ms", 0),
        ("window_step_ms", 31),
        ("num_channels", 0),
        ("lower_band_limit", -1.0),
        ("upper_band_limit", 8001.0),
        ("smoothing_bits", 11),
        ("odd_smoothing", 1.0),
        ("min_signal_remaining", -0.1),
        ("gain_bits", 19),
        ("scale_shift", 9),
    ],
)
def test_setting_out_of_range_is_told_by_name(name: str, value: float) -> None:
    with pytest.raises(FeatureError, match=name):
        build_tables(FrontendSettings(**{name: value}))


@settings(max_examples=50)
@given(
    st.integers(1, 128), st.floats(0, 3000), st.floats(3100, 7990), st.sampled_from([8, 20, 30, 64])
)
def test_triangles_cover_their_bins_once(
    channels: int, lower: float, upper: float, size: int
) -> None:
    chosen = FrontendSettings(
        window_size_ms=size, window_step_ms=8, num_channels=channels,
        lower_band_limit=lower, upper_band_limit=upper,
    )  # fmt: skip
    bank = filter_bank(chosen)
    assert len(bank.widths) == channels + 1
    assert sum(bank.widths) == len(bank.weights)
    assert all(0 <= weight <= 4096 for weight in bank.weights)
    assert bank.first_bin + len(bank.weights) <= chosen.fft_size // 2
