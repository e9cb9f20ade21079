# SPDX-License-Identifier: Apache-2.0
"""Loads and stores of the T32 instruction set, as far as they reach device registers.

Source: Armv8-M Architecture Reference Manual (DDI 0553), chapter C2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import QemuError

_SP, _PC, _XPSR = 13, 15, 16
_WORD = 0xFFFF_FFFF


@dataclass(frozen=True)
class Transfer:
    """A load or a store, with its addresses worked out."""

    load: bool
    size: int
    """Bytes of each element: 1, 2 or 4."""
    signed: bool
    address: int
    """Of the first element; others follow without a gap."""
    registers: tuple[int, ...]
    writeback: tuple[int, int] | None
    """Base register and its new value."""
    length: int
    """Bytes of the instruction."""


def decode(code: tuple[int, int], registers: Sequence[int]) -> Transfer:
    """Decode the instruction that begins with these halfwords.

    Parameters
    ----------
    code
        The halfword at the program counter, and the one after it.
    registers
        R0 to R15.

    Raises
    ------
    QemuError
        It is no load or store of general registers, or one that uses SP or PC.
    """
    first, second = code
    found = _narrow(first, registers) if first >> 11 < 0b11101 else _wide(first, second, registers)
    if found is None or any(r in (_SP, _PC) for r in found.registers):
        shown = f"{first:04x}" if first >> 11 < 0b11101 else f"{first:04x} {second:04x}"
        raise QemuError(
            "an instruction that cannot be carried out on the NPU's registers",
            where=f"pc {registers[_PC]:#010x}",
            found=shown,
            expected="a load or store of R0-R12 or LR: LDR, STR, LDRD, STRD, LDM, STM, LDA, STL",
            try_="access the registers as volatile 32-bit words",
        )
    return found


def _narrow(code: int, r: Sequence[int]) -> Transfer | None:
    n, t = code >> 3 & 7, code & 7
    imm5 = code >> 6 & 31
    top = code >> 11
    if top in (0b01010, 0b01011):
        operation = code >> 9 & 7
        size = (4, 2, 1, 1, 4, 2, 1, 2)[operation]
        address = r[n] + r[code >> 6 & 7]
        return _single(operation >= 3, size, operation in (3, 7), address, t, 2)
    if top in (0b01100, 0b01101):
        return _single(top & 1 == 1, 4, False, r[n] + 4 * imm5, t, 2)
    if top in (0b01110, 0b01111):
        return _single(top & 1 == 1, 1, False, r[n] + imm5, t, 2)
    if top in (0b10000, 0b10001):
        return _single(top & 1 == 1, 2, False, r[n] + 2 * imm5, t, 2)
    if top in (0b11000, 0b11001):
        load, base = top & 1 == 1, code >> 8 & 7
        listed = tuple(i for i in range(8) if code >> i & 1)
        # A load writes its base back only where it does not load it.
        back = None if load and base in listed else (base, r[base] + 4 * len(listed) & _WORD)
        return Transfer(load, 4, False, r[base], listed, back, 2) if listed else None
    return None


def _wide(first: int, second: int, r: Sequence[int]) -> Transfer | None:
    n = first & 15
    if first >> 9 == 0b1111100:
        return _wide_single(first, second, r)
    if first >> 9 != 0b1110100 or n in (_SP, _PC):
        return None
    load = first >> 4 & 1 == 1
    up, before, back = first >> 7 & 1, first >> 8 & 1, first >> 5 & 1
    if not first >> 6 & 1:
        listed = tuple(i for i in range(16) if second >> i & 1)
        if not listed or up == before:
            return None
        span = 4 * len(listed)
        start = r[n] if up else r[n] - span
        after = r[n] + span if up else start
        wrote = (n, after & _WORD) if back else None
        return Transfer(load, 4, False, start & _WORD, listed, wrote, 4)
    t = second >> 12
    if before or back:
        offset = 4 * (second & 0xFF) * (1 if up else -1)
        address = r[n] + (offset if before else 0)
        wrote = (n, r[n] + offset & _WORD) if back else None
        return Transfer(load, 4, False, address & _WORD, (t, second >> 8 & 15), wrote, 4)
    # Load-acquire and store-release.
    if first >> 5 & 7 == 0b110 and second & 0xFCF == 0xF8F and second >> 4 & 3 != 3:
        return _single(load, 1 << (second >> 4 & 3), False, r[n], t, 4)
    return None


def _wide_single(first: int, second: int, r: Sequence[int]) -> Transfer | None:
    n, t = first & 15, second >> 12
    scale = first >> 5 & 3
    load, signed = first >> 4 & 1 == 1, first >> 8 & 1 == 1
    if scale == 3 or n in (_SP, _PC):
        return None
    if first >> 7 & 1:
        return _single(load, 1 << scale, signed, r[n] + (second & 0xFFF), t, 4)
    if second >> 11 & 1:
        offset = (second & 0xFF) * (1 if second >> 9 & 1 else -1)
        address = r[n] + (offset if second >> 10 & 1 else 0)
        back = (n, r[n] + offset & _WORD) if second >> 8 & 1 else None
        return _single(load, 1 << scale, signed, address, t, 4, back)
    if second >> 6 & 31 == 0 and second & 15 not in (_SP, _PC):
        address = r[n] + (r[second & 15] << (second >> 4 & 3))
        return _single(load, 1 << scale, signed, address, t, 4)
    return None


def _single(
    load: bool,
    size: int,
    signed: bool,
    address: int,
    register: int,
    length: int,
    back: tuple[int, int] | None = None,
) -> Transfer:
    return Transfer(load, size, signed, address & _WORD, (register,), back, length)


def extend(value: int, size: int, signed: bool) -> int:
    """What a load of ``size`` bytes leaves in a register."""
    bits = 8 * size
    value &= (1 << bits) - 1
    if signed and value >> bits - 1:
        value -= 1 << bits
    return value & _WORD


def step_over(registers: list[int], length: int) -> None:
    """Move PC, and the state of an IT block, past an instruction of ``length`` bytes."""
    registers[_PC] = registers[_PC] + length & _WORD
    xpsr = registers[_XPSR]
    state = xpsr >> 8 & 0xFC | xpsr >> 25 & 3
    if state & 15:
        state = state & 0xE0 | state << 1 & 0x1F if state & 7 else 0
        xpsr = xpsr & ~0x0600_FC00 | (state & 0xFC) << 8 | (state & 3) << 25
        registers[_XPSR] = xpsr
