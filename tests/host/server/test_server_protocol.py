# SPDX-License-Identifier: Apache-2.0
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.server import protocol
from hocket_host.server.protocol import (
    HEADER,
    Action,
    ActionKind,
    Kind,
    Level,
    ProtocolError,
    Wanted,
)

ACTIONS = st.builds(
    Action,
    st.sampled_from(ActionKind),
    st.integers(0, protocol.TIME_LIMIT_NS - 1),
    st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 32) - 1),
)


def payload(frame):
    """Payload of a frame whose length is right."""
    kind, size = protocol.parse_header(frame[: HEADER.size], protocol.MAX_FRAME)
    assert len(frame) == HEADER.size + size
    return kind, frame[HEADER.size :]


@given(st.integers(0, protocol.TIME_LIMIT_NS - 1))
def test_a_hello_tells_the_virtual_time(now_ns):
    kind, data = payload(protocol.hello(now_ns))
    assert kind is Kind.HELLO
    assert protocol.parse_hello(data) == now_ns


@given(st.lists(ACTIONS, min_size=1, max_size=20))
def test_actions_come_across_unchanged(actions):
    kind, data = payload(protocol.access(actions))
    assert kind is Kind.ACCESS
    assert protocol.parse_access(data) == actions


@given(st.binary(max_size=200))
def test_any_bytes_are_actions_or_a_protocol_error(data):
    try:
        actions = protocol.parse_access(data)
    except ProtocolError:
        return
    assert payload(protocol.access(actions))[1] == data


@given(st.binary(max_size=64))
def test_any_bytes_are_a_hello_or_a_protocol_error(data):
    try:
        now_ns = protocol.parse_hello(data)
    except ProtocolError:
        return
    assert data.startswith(payload(protocol.hello(now_ns))[1])


@given(st.binary(min_size=5, max_size=5), st.integers(0, 1 << 20))
def test_no_header_makes_a_frame_longer_than_the_limit(data, limit):
    try:
        _, size = protocol.parse_header(data, limit)
    except ProtocolError:
        return
    assert 0 <= size <= limit


@given(st.data())
def test_memory_comes_across_and_same_ranges_are_left_out(data):
    parts = data.draw(st.lists(st.tuples(st.binary(max_size=40), st.booleans()), max_size=6))
    wanted = [
        Wanted(0, len(part), hashlib.sha256(part).digest() if same else protocol.NO_DIGEST)
        for part, same in parts
    ]
    flags = bytes(same for _, same in parts)
    sent = b"".join(part for part, same in parts if not same)
    found = protocol.parse_data(flags + sent, wanted)
    assert found == [None if same else part for part, same in parts]


@given(st.binary(max_size=60), st.lists(st.integers(0, 20), max_size=4))
def test_any_bytes_answer_a_fetch_or_are_a_protocol_error(data, sizes):
    wanted = [Wanted(0, size) for size in sizes]
    try:
        parts = protocol.parse_data(data, wanted)
    except ProtocolError:
        return
    assert [len(part) for part in parts] == sizes


def test_a_range_without_a_digest_cannot_be_the_same():
    with pytest.raises(ProtocolError, match="FETCH"):
        protocol.parse_data(b"\x01", [Wanted(0, 4)])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ProtocolError, match="unknown frame"):
        protocol.parse_header(HEADER.pack(1, 0x77), 100)


def test_an_empty_frame_is_refused():
    with pytest.raises(ProtocolError, match="length"):
        protocol.parse_header(HEADER.pack(0, Kind.HELLO), 100)


def test_another_version_is_refused_with_both_versions():
    _, data = payload(protocol.hello(0, version=7))
    with pytest.raises(ProtocolError) as error:
        protocol.parse_hello(data)
    assert "version 7" in error.value.found
    assert str(protocol.VERSION) in error.value.expected


def test_a_time_beyond_the_limit_is_refused():
    with pytest.raises(ProtocolError, match="virtual time"):
        protocol.parse_hello(payload(protocol.hello(protocol.TIME_LIMIT_NS))[1])


def test_texts_are_one_line_of_ascii():
    _, data = payload(protocol.note(Level.WARNING, "3 µs\n  found: x"))
    assert data == b"\x013 ?s found: x"


def test_no_event_is_never():
    _, data = payload(protocol.done(5, True, None))
    assert data == b"\x05\0\0\0\x01" + b"\xff" * 8
