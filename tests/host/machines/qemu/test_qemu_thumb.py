# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_host.machines.qemu.errors import QemuError
from hocket_host.machines.qemu.thumb import decode, extend, step_over

REGISTERS = [0x4820_0000 + 16 * n for n in range(16)]


@pytest.mark.parametrize(
    ("code", "load", "size", "address", "registers", "writeback"),
    [
        ((0x6848, 0), True, 4, REGISTERS[1] + 4, (0,), None),  # ldr r0, [r1, #4]
        ((0x7048, 0), False, 1, REGISTERS[1] + 1, (0,), None),  # strb r0, [r1, #1]
        ((0x8848, 0), True, 2, REGISTERS[1] + 2, (0,), None),  # ldrh r0, [r1, #2]
        ((0xF8D1, 0x0010), True, 4, REGISTERS[1] + 16, (0,), None),  # ldr.w r0, [r1, #16]
        ((0xF841, 0x0C04), False, 4, REGISTERS[1] - 4, (0,), None),  # str r0, [r1, #-4]
        ((0xF851, 0x0F04), True, 4, REGISTERS[1] + 4, (0,), (1, REGISTERS[1] + 4)),  # [r1, #4]!
        ((0xF841, 0x0904), False, 4, REGISTERS[1], (0,), (1, REGISTERS[1] - 4)),  # [r1], #-4
        ((0xE9D1, 0x0202), True, 4, REGISTERS[1] + 8, (0, 2), None),  # ldrd r0, r2, [r1, #8]
        ((0xE8A1, 0x0005), False, 4, REGISTERS[1], (0, 2), (1, REGISTERS[1] + 8)),  # stm r1!
        ((0xE931, 0x0005), True, 4, REGISTERS[1] - 8, (0, 2), (1, REGISTERS[1] - 8)),  # ldmdb r1!
        ((0xC906, 0), True, 4, REGISTERS[1], (1, 2), None),  # ldm r1, {r1, r2}
        ((0xE8D1, 0x0FAF), True, 4, REGISTERS[1], (0,), None),  # lda r0, [r1]
    ],
)
def test_a_load_or_store_is_decoded(code, load, size, address, registers, writeback):
    found = decode(code, REGISTERS)
    assert (found.load, found.size, found.address) == (load, size, address)
    assert (found.registers, found.writeback) == (registers, writeback)
    assert found.length == (2 if code[1] == 0 and code[0] < 0xE800 else 4)


@pytest.mark.parametrize(
    "code",
    [
        (0xBF00, 0),  # nop
        (0xED91, 0x0A00),  # vldr s0, [r1]
        (0xF8D1, 0xF000),  # ldr pc, [r1]
        (0xE851, 0x0F00),  # ldrex r0, [r1]
        (0xF81F, 0x0004),  # ldrb r0, literal
    ],
)
def test_what_cannot_be_carried_out_is_told(code):
    with pytest.raises(QemuError, match="cannot be carried out"):
        decode(code, REGISTERS)


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_any_code_is_decoded_or_refused(first, second):
    try:
        found = decode((first, second), REGISTERS)
    except QemuError:
        return
    assert found.size in (1, 2, 4)
    assert 0 <= found.address < 1 << 32
    assert found.registers


def test_signed_loads_extend():
    assert extend(0x80, 1, True) == 0xFFFF_FF80
    assert extend(0x1_8000, 2, False) == 0x8000


@pytest.mark.parametrize(
    ("state", "after"),
    [(0b0000_1100, 0b0001_1000), (0b0000_1000, 0), (0, 0), (0b1110_0110, 0b1110_1100)],
)
def test_a_conditional_block_moves_on(state, after):
    registers = [0] * 17
    registers[16] = (state & 0xFC) << 8 | (state & 3) << 25 | 0x0100_0000
    step_over(registers, 4)
    assert registers[15] == 4
    assert registers[16] == (after & 0xFC) << 8 | (after & 3) << 25 | 0x0100_0000
