# SPDX-License-Identifier: Apache-2.0
import pytest
from ethosu.vela.ethos_u55_regs.ethos_u55_regs import cmd0, cmd1
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.ethosu.stream import isa
from hocket_host.ethosu.stream.isa import Cmd, Command, CommandStreamError


def test_the_commands_are_those_that_vela_publishes() -> None:
    ours = {int(c): c.name for c in Cmd}
    theirs = {c.value: c.name for c in cmd0} | {c.value | isa.PAYLOAD: c.name for c in cmd1}
    assert ours == {key: name.removeprefix("NPU_SET_") for key, name in theirs.items()}


def _commands() -> st.SearchStrategy[list[Command]]:
    def one(key: Cmd) -> st.SearchStrategy[tuple[int, int]]:
        limit = (1 << 48) - 1 if key & isa.PAYLOAD else 0xFFFF
        return st.tuples(st.just(int(key)), st.integers(0, limit))

    def place(pairs: list[tuple[int, int]]) -> list[Command]:
        at, placed = 0, []
        for key, value in pairs:
            placed.append(Command(at, key, value))
            at += placed[-1].words
        return placed

    return st.lists(st.sampled_from(list(Cmd)).flatmap(one)).map(place)


@given(_commands())
def test_decode_inverts_encode(commands: list[Command]) -> None:
    assert isa.decode(isa.encode_all(commands)) == commands


@given(st.binary(max_size=64))
def test_any_bytes_decode_or_are_refused(data: bytes) -> None:
    try:
        commands = isa.decode(data)
    except CommandStreamError:
        return
    assert isa.encode_all(commands) == data


def test_a_payload_that_is_cut_off_is_refused() -> None:
    data = isa.encode_all([Command(0, Cmd.IFM_BASE0, 16)])[:4]
    with pytest.raises(CommandStreamError, match="ends inside"):
        isa.decode(data)


def test_an_unknown_opcode_is_refused_with_its_place() -> None:
    data = isa.encode_all([Command(0, Cmd.BLOCKDEP, 0)]) + (0x3FF).to_bytes(4, "little")
    with pytest.raises(CommandStreamError, match="word 1"):
        isa.decode(data)
