# SPDX-License-Identifier: Apache-2.0
"""The server against clients that keep to the protocol, and against those that do not."""

import socket
import struct
import threading

import pytest
from _vela_ini import system
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hocket_host.board.board import load
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.device.registers import Reg, Status
from hocket_host.server import NpuServer, NpuServerError, ServedNpu, protocol
from hocket_host.server.protocol import HEADER, Action, ActionKind, Kind

CONFIG = npu_config("ethos-u55-128")
PLATFORM = ServedNpu(CONFIG, system(CONFIG), load("corstone300"))
FLASH = PLATFORM.board.flash_base
STOP = struct.pack("<I", 0xFFFF_0000)


class Client:
    """A client that says what a test tells it to."""

    def __init__(self, server, hello=True):
        self.socket = socket.create_connection(("127.0.0.1", server.port), 20)
        self.fetched = []
        if hello:
            self.socket.sendall(protocol.hello(0))
            kind, data = self.frame()
            assert (kind, data[12:]) == (Kind.WELCOME, CONFIG.name.encode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _take(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def frame(self):
        kind, size = protocol.parse_header(self._take(HEADER.size), protocol.MAX_FRAME)
        return kind, self._take(size)

    def refusal(self):
        """Text of the refusal that must come, after which nothing comes."""
        kind, data = self.frame()
        assert kind is Kind.REFUSED
        with pytest.raises(EOFError):
            self.frame()
        return data.decode()

    def act(self, *actions, memory=b""):
        """Value, interrupt and due time; memory is what every FETCH finds."""
        self.socket.sendall(protocol.access(actions))
        while True:
            kind, data = self.frame()
            if kind is Kind.DONE:
                return struct.unpack("<IBQ", data)
            if kind is Kind.FETCH:
                self.fetched.append(data)
                size = sum(w[1] for w in struct.iter_unpack("<QI32s", data))
                flags = bytes(len(data) // 44)
                self.socket.sendall(protocol.frame(Kind.DATA, flags + memory[:size]))

    def read(self, offset, now_ns=1000):
        return self.act(Action(ActionKind.READ, now_ns, offset))[0]


@pytest.fixture(scope="module")
def server():
    # On a busy machine the thread of a client that has gone takes its time to end.
    with NpuServer(PLATFORM, port=0, frame_timeout_s=1, grace_s=30) as running:
        yield running


def still_serves(server):
    """Whether the next client is served."""
    with Client(server) as client:
        return client.read(Reg.ID) == CONFIG.id_register


def test_only_the_loopback_interface_listens(server):
    assert server._listener.getsockname()[0] == "127.0.0.1"


def test_a_client_reads_registers(server):
    with Client(server) as client:
        assert client.read(Reg.STATUS, 0) == Status.RESETTING
        assert client.read(Reg.CONFIG) == CONFIG.config_register


def test_writes_of_one_access_happen_in_order(server):
    with Client(server) as client:
        value, _, _ = client.act(
            Action(ActionKind.ADVANCE, 1000),
            Action(ActionKind.WRITE, 1000, Reg.QSIZE, 64),
            Action(ActionKind.WRITE, 1001, Reg.QSIZE, 128),
            Action(ActionKind.READ, 1002, Reg.QSIZE),
        )
        assert value == 128


def test_the_due_time_of_the_reset_is_told(server):
    with Client(server) as client:
        assert client.act(Action(ActionKind.READ, 0, Reg.ID))[2] == 128
        assert client.act(Action(ActionKind.ADVANCE, 128))[2] == protocol.NEVER


def test_time_never_runs_backwards(server):
    with Client(server) as client:
        client.act(Action(ActionKind.ADVANCE, 5000))
        assert client.read(Reg.STATUS, 0) == 0


def test_a_stream_of_nothing_but_stop_runs(server):
    with Client(server) as client:
        _, _, due = client.act(
            Action(ActionKind.ADVANCE, 1000),
            Action(ActionKind.WRITE, 1000, Reg.QBASE, FLASH),
            Action(ActionKind.WRITE, 1000, Reg.QSIZE, 4),
            Action(ActionKind.WRITE, 1000, Reg.CMD, 0xD),
            memory=STOP,
        )
        assert 1000 <= due < protocol.NEVER
        assert len(client.fetched) == 1
        _, irq, due = client.act(Action(ActionKind.ADVANCE, due))
        assert (irq, due) == (1, protocol.NEVER)


def test_a_queue_outside_memory_is_a_bus_abort_and_fetches_nothing(server):
    with Client(server) as client:
        client.act(
            Action(ActionKind.ADVANCE, 1000),
            Action(ActionKind.WRITE, 1000, Reg.QBASE, 0x1000),
            Action(ActionKind.WRITE, 1000, Reg.QSIZE, 64),
            Action(ActionKind.WRITE, 1000, Reg.CMD, 0xD),
        )
        assert client.read(Reg.STATUS, 100_000) & Status.BUS_ABORT
        assert client.fetched == []


def test_a_queue_larger_than_a_frame_comes_in_pieces(server):
    size = 5 << 20
    with Client(server) as client:
        client.act(
            Action(ActionKind.ADVANCE, 1000),
            Action(ActionKind.WRITE, 1000, Reg.QBASE, FLASH),
            Action(ActionKind.WRITE, 1000, Reg.QSIZE, size),
            Action(ActionKind.WRITE, 1000, Reg.CMD, 0xD),
            memory=STOP * (size // 4),
        )
        assert len(client.fetched) == 2


def test_each_client_gets_an_npu_of_its_own(server):
    with Client(server) as first:
        first.act(Action(ActionKind.ADVANCE, 1000), Action(ActionKind.WRITE, 1000, Reg.QSIZE, 64))
    with Client(server) as second:
        assert second.read(Reg.QSIZE) == 0


def test_a_second_client_is_refused_and_the_first_goes_on():
    with (
        NpuServer(PLATFORM, port=0, frame_timeout_s=1, grace_s=0.2) as server,
        Client(server) as first,
    ):
        with Client(server, hello=False) as second:
            assert "has a client already" in second.refusal()
        assert first.read(Reg.ID) == CONFIG.id_register


def test_a_client_of_another_version_is_refused(server):
    with Client(server, hello=False) as client:
        client.socket.sendall(protocol.hello(0, version=2))
        assert "version 2 of the client" in client.refusal()
    assert still_serves(server)


def test_something_else_than_a_client_is_refused(server):
    with Client(server, hello=False) as client:
        client.socket.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert "unknown frame" in client.refusal()
    assert still_serves(server)


def test_a_client_that_never_greets_is_cut_off(server):
    with Client(server, hello=False) as client, pytest.raises(EOFError):
        client.frame()
    assert still_serves(server)


def test_a_frame_that_never_ends_is_cut_off(server):
    with Client(server) as client:
        client.socket.sendall(protocol.access([Action(ActionKind.ADVANCE, 0)])[:-3])
        with pytest.raises(EOFError):
            client.frame()
    assert still_serves(server)


def test_an_idle_client_is_not_cut_off(server):
    with Client(server) as client:
        threading.Event().wait(1.3)
        assert client.read(Reg.ID) == CONFIG.id_register


@pytest.mark.parametrize("length", [0, protocol.MAX_REQUEST + 2, 1 << 31, (1 << 32) - 1])
def test_a_length_out_of_range_is_refused_before_it_is_awaited(server, length):
    with Client(server) as client:
        client.socket.sendall(HEADER.pack(length, Kind.ACCESS))
        assert "length" in client.refusal()
    assert still_serves(server)


@pytest.mark.parametrize("kind", [Kind.HELLO, Kind.DATA, Kind.DONE])
def test_a_frame_out_of_turn_is_refused(server, kind):
    with Client(server) as client:
        client.socket.sendall(protocol.frame(kind, b"12345"))
        assert "out of turn" in client.refusal()
    assert still_serves(server)


@pytest.mark.parametrize("offset", [2, 0x1000, 0xFFFF_FFFC])
def test_an_offset_that_is_no_register_is_refused(server, offset):
    with Client(server) as client:
        client.socket.sendall(protocol.access([Action(ActionKind.READ, 0, offset)]))
        assert "no register" in client.refusal()


@pytest.mark.parametrize(
    "answer",
    [
        protocol.frame(Kind.DATA, b""),
        protocol.frame(Kind.DATA, b"\x01"),
        protocol.frame(Kind.DATA, b"\0123"),
        protocol.frame(Kind.ACCESS, b"\0" * 17),
        HEADER.pack(1 << 30, Kind.DATA),
    ],
)
def test_a_wrong_answer_to_a_fetch_is_refused(server, answer):
    with Client(server) as client:
        client.socket.sendall(
            protocol.access(
                [
                    Action(ActionKind.ADVANCE, 1000),
                    Action(ActionKind.WRITE, 1000, Reg.QBASE, FLASH),
                    Action(ActionKind.WRITE, 1000, Reg.QSIZE, 4),
                    Action(ActionKind.WRITE, 1000, Reg.CMD, 0xD),
                ]
            )
        )
        kind, _ = client.frame()
        assert kind is Kind.FETCH
        client.socket.sendall(answer)
        client.refusal()
    assert still_serves(server)


def test_a_client_that_leaves_while_it_owes_memory_is_survived(server):
    with Client(server) as client:
        client.socket.sendall(
            protocol.access(
                [
                    Action(ActionKind.ADVANCE, 1000),
                    Action(ActionKind.WRITE, 1000, Reg.QBASE, FLASH),
                    Action(ActionKind.WRITE, 1000, Reg.QSIZE, 4),
                    Action(ActionKind.WRITE, 1000, Reg.CMD, 0xD),
                ]
            )
        )
        assert client.frame()[0] is Kind.FETCH
    assert still_serves(server)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=4), st.booleans())
def test_no_bytes_harm_the_server(server, parts, greeted):
    with Client(server, hello=greeted) as client:
        for part in parts:
            client.socket.sendall(part)
        client.socket.shutdown(socket.SHUT_WR)
        while client.socket.recv(1 << 16):
            pass
    assert still_serves(server)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(Kind), st.binary(max_size=60)), min_size=1, max_size=4))
def test_no_frames_harm_the_server(server, frames):
    with Client(server) as client:
        client.socket.sendall(b"".join(protocol.frame(*each) for each in frames))
        client.socket.shutdown(socket.SHUT_WR)
        while client.socket.recv(1 << 16):
            pass
    assert still_serves(server)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 1 << 20), st.integers(0, 0x3FF), st.integers(0, (1 << 32) - 1)),
        min_size=1,
        max_size=30,
    )
)
def test_any_register_may_be_written_with_anything(server, writes):
    now_ns = 0
    with Client(server) as client:
        for delay_ns, word, value in writes:
            now_ns += delay_ns
            client.act(Action(ActionKind.WRITE, now_ns, 4 * word, value), memory=bytes(1 << 22))
        assert client.read(Reg.ID, now_ns) == CONFIG.id_register


def test_a_taken_port_is_an_error_that_names_the_way_out(server):
    with pytest.raises(NpuServerError, match="cannot listen") as error:
        NpuServer(PLATFORM, port=server.port)
    assert "--port" in error.value.try_


def test_closing_cuts_a_connected_client_off():
    running = NpuServer(PLATFORM, port=0)
    with running:
        client = Client(running)
    with client, pytest.raises(EOFError):
        client.frame()
