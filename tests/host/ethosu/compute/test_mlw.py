# SPDX-License-Identifier: Apache-2.0
"""The weight decoder against Vela's codec, and on data that no encoder wrote."""

from __future__ import annotations

import numpy as np
import pytest
from ethosu import mlw_codec
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket_host.ethosu.compute.kernels import mlw

ERRORS = {mlw.TRUNCATED, mlw.BAD_HEADER, mlw.BAD_VALUE, mlw.TOO_MANY}


def _decode(data: bytes, room: int) -> tuple[int, NDArray[np.int16]]:
    padded = np.zeros(len(data) + mlw.SLACK, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    out = np.full(room + 8, 0x7ABC, np.int16)
    count = int(mlw.decode(padded, len(data), out[:room]))
    assert (out[room:] == 0x7ABC).all()
    return count, out


weights = st.one_of(
    st.lists(st.integers(-255, 255), min_size=1, max_size=600),
    st.lists(st.sampled_from([0, 0, 0, 0, 0, 3, -7]), min_size=1, max_size=600),
    st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=200),
    st.tuples(st.integers(1, 3000), st.integers(-255, 255)).map(lambda t: [t[1]] * t[0]),
)


@given(weights)
def test_decoding_gives_back_what_was_encoded(values: list[int]) -> None:
    count, out = _decode(bytes(mlw_codec.encode(values)), len(values))
    assert (count, out[: len(values)].tolist()) == (len(values), values)


def test_streams_longer_than_a_slice_decode() -> None:
    values = np.random.default_rng(0).integers(-40, 40, 100_000).tolist()
    count, out = _decode(bytes(mlw_codec.encode(values)), len(values))
    assert (count, out[:count].tolist()) == (len(values), values)


@given(weights, st.data())
def test_a_stream_cut_short_is_an_error(values: list[int], data: st.DataObject) -> None:
    stream = bytes(mlw_codec.encode(values))
    # The padding behind the end-of-stream mark may go.
    cut = data.draw(st.integers(0, max(len(stream) - 20, 0)))
    count, _ = _decode(stream[:cut], len(values))
    assert count < 0 or count < len(values)


@given(weights)
def test_more_weights_than_room_is_an_error(values: list[int]) -> None:
    count, _ = _decode(bytes(mlw_codec.encode(values)), len(values) - 1)
    assert count == mlw.TOO_MANY


@given(st.binary(max_size=300), st.integers(0, 2000))
@settings(max_examples=400)
def test_arbitrary_bytes_never_write_beyond_the_room(data: bytes, room: int) -> None:
    count, _ = _decode(data, room)
    assert count in ERRORS or 0 <= count <= room


@given(weights, st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 7)), max_size=6))
@settings(max_examples=300)
def test_flipped_bits_never_write_beyond_the_room(
    values: list[int], flips: list[tuple[int, int]]
) -> None:
    stream = bytearray(mlw_codec.encode(values))
    for at, bit in flips:
        stream[at % len(stream)] ^= 1 << bit
    count, _ = _decode(bytes(stream), len(values))
    assert count in ERRORS or 0 <= count <= len(values)


@pytest.mark.parametrize("data", [b"", b"\x04", b"\x05" + bytes(40)])
def test_streams_without_a_valid_header_are_errors(data: bytes) -> None:
    count, _ = _decode(data, 100)
    assert count in ERRORS
