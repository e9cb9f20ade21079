# SPDX-License-Identifier: Apache-2.0
"""Offsets, bits and constant registers of the Ethos-U's register window.

Source: the register descriptions that Vela publishes (``ethos_u55_regs``); a test compares.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from ..stream.isa import FIRST_REGISTER, PAYLOAD, Cmd

WINDOW_BYTES = 0x1000
#: Duration of a reset, in NPU cycles: long enough that software must wait for it.
RESET_CYCLES = 64
REGIONS = 8


class Reg(IntEnum):
    """Offsets of the control registers."""

    ID = 0x00
    STATUS = 0x04
    CMD = 0x08
    RESET = 0x0C
    QBASE = 0x10
    QBASE_HI = 0x14
    QREAD = 0x18
    QCONFIG = 0x1C
    QSIZE = 0x20
    PROT = 0x24
    CONFIG = 0x28
    LOCK = 0x2C
    REGIONCFG = 0x3C
    AXI_LIMIT0 = 0x40
    AXI_LIMIT1 = 0x44
    AXI_LIMIT2 = 0x48
    AXI_LIMIT3 = 0x4C
    BASEP0 = 0x80


class Status(IntFlag):
    """Bits of STATUS; bits 31:16 are the interrupt history."""

    RUNNING = 1 << 0
    IRQ = 1 << 1
    BUS_ABORT = 1 << 2
    RESETTING = 1 << 3
    PARSE_ERROR = 1 << 4
    END_REACHED = 1 << 5
    PMU_IRQ = 1 << 6
    WEIGHT_FAULT = 1 << 7


class Command(IntFlag):
    """Bits of CMD; bits 31:16 clear the interrupt history."""

    RUN = 1 << 0
    CLEAR_IRQ = 1 << 1
    CLOCK_Q = 1 << 2
    POWER_Q = 1 << 3
    STOP = 1 << 4


#: Registers that software sets while the NPU is stopped.
CONFIGURATION = frozenset(
    {Reg.QBASE, Reg.QBASE_HI, Reg.QCONFIG, Reg.QSIZE, Reg.REGIONCFG}
    | {Reg.AXI_LIMIT0, Reg.AXI_LIMIT1, Reg.AXI_LIMIT2, Reg.AXI_LIMIT3}
    | set(range(Reg.BASEP0, Reg.BASEP0 + 8 * REGIONS, 4))
)
#: Bits that a register keeps, where it is not all of them.
WRITABLE_BITS = {
    Reg.QCONFIG: 0x3,
    Reg.REGIONCFG: 0xFFFF,
    **dict.fromkeys(range(Reg.AXI_LIMIT0, Reg.AXI_LIMIT3 + 4, 4), 0xFFFF_00F3),
}
#: Peripheral and component identification bytes.
IDENTITY = {
    0xFD0: 0x04, 0xFE0: 0x80, 0xFE4: 0xB5, 0xFE8: 0x0B,
    0xFF0: 0x0D, 0xFF4: 0xF0, 0xFF8: 0x05, 0xFFC: 0xB1,
}  # fmt: skip


def _command_windows() -> dict[int, tuple[int, int]]:
    """Where the command registers can be read: offset -> (key, shift of its value)."""
    windows = {}
    for cmd in Cmd:
        if cmd & PAYLOAD:
            group = (cmd >> 4 & 3) + (4 if cmd & 0x80 else 0)
            at = 0xA00 + group * 0x40 + (cmd & 0xF) * 8
            windows[at] = (int(cmd), 0)
            windows[at + 4] = (int(cmd), 32)
        elif cmd >= FIRST_REGISTER:
            windows[0x800 + (cmd & 0x3F) * 4 + (0x100 if cmd & 0x80 else 0)] = (int(cmd), 0)
    return windows


#: Offset -> (command key, shift): where the command registers can be read.
COMMAND_WINDOWS = _command_windows()
