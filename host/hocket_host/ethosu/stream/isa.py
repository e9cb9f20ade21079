# SPDX-License-Identifier: Apache-2.0
"""Command stream words of the Ethos-U55/U65: opcodes, decoding and encoding.

A command is one 32-bit word (bits 9:0 opcode, 15:14 zero, 31:16 a 16-bit parameter), or two words
when bits 15:14 are 1 (the second word is a 32-bit payload and the parameter extends it to 40 or 48
bits). Source: the command enumerations that Vela publishes (``ethos_u55_regs``); a test compares.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError

#: Bit that marks a command with a payload; also part of the key of such a command.
PAYLOAD = 0x4000
#: The half of a command's first word that says which it is.
KEY_MASK = 0xFFFF


class CommandStreamError(HocketError):
    """A command stream that no Ethos-U would accept, or that Hocket must not run."""


class Cmd(IntEnum):
    """Commands by key: the opcode, plus `PAYLOAD` for two-word commands."""

    NPU_OP_STOP = 0x000
    NPU_OP_IRQ = 0x001
    NPU_OP_CONV = 0x002
    NPU_OP_DEPTHWISE = 0x003
    NPU_OP_POOL = 0x005
    NPU_OP_ELEMENTWISE = 0x006
    NPU_OP_DMA_START = 0x010
    NPU_OP_DMA_WAIT = 0x011
    NPU_OP_KERNEL_WAIT = 0x012
    NPU_OP_PMU_MASK = 0x013
    IFM_PAD_TOP = 0x100
    IFM_PAD_LEFT = 0x101
    IFM_PAD_RIGHT = 0x102
    IFM_PAD_BOTTOM = 0x103
    IFM_DEPTH_M1 = 0x104
    IFM_PRECISION = 0x105
    IFM_UPSCALE = 0x107
    IFM_ZERO_POINT = 0x109
    IFM_WIDTH0_M1 = 0x10A
    IFM_HEIGHT0_M1 = 0x10B
    IFM_HEIGHT1_M1 = 0x10C
    IFM_IB_END = 0x10D
    IFM_REGION = 0x10F
    OFM_WIDTH_M1 = 0x111
    OFM_HEIGHT_M1 = 0x112
    OFM_DEPTH_M1 = 0x113
    OFM_PRECISION = 0x114
    OFM_BLK_WIDTH_M1 = 0x115
    OFM_BLK_HEIGHT_M1 = 0x116
    OFM_BLK_DEPTH_M1 = 0x117
    OFM_ZERO_POINT = 0x118
    OFM_WIDTH0_M1 = 0x11A
    OFM_HEIGHT0_M1 = 0x11B
    OFM_HEIGHT1_M1 = 0x11C
    OFM_REGION = 0x11F
    KERNEL_WIDTH_M1 = 0x120
    KERNEL_HEIGHT_M1 = 0x121
    KERNEL_STRIDE = 0x122
    PARALLEL_MODE = 0x123
    ACC_FORMAT = 0x124
    ACTIVATION = 0x125
    ACTIVATION_MIN = 0x126
    ACTIVATION_MAX = 0x127
    WEIGHT_REGION = 0x128
    SCALE_REGION = 0x129
    AB_START = 0x12D
    BLOCKDEP = 0x12F
    DMA0_SRC_REGION = 0x130
    DMA0_DST_REGION = 0x131
    DMA0_SIZE0 = 0x132
    DMA0_SIZE1 = 0x133
    IFM2_BROADCAST = 0x180
    IFM2_SCALAR = 0x181
    IFM2_PRECISION = 0x185
    IFM2_ZERO_POINT = 0x189
    IFM2_WIDTH0_M1 = 0x18A
    IFM2_HEIGHT0_M1 = 0x18B
    IFM2_HEIGHT1_M1 = 0x18C
    IFM2_IB_START = 0x18D
    IFM2_REGION = 0x18F

    IFM_BASE0 = PAYLOAD | 0x000
    IFM_BASE1 = PAYLOAD | 0x001
    IFM_BASE2 = PAYLOAD | 0x002
    IFM_BASE3 = PAYLOAD | 0x003
    IFM_STRIDE_X = PAYLOAD | 0x004
    IFM_STRIDE_Y = PAYLOAD | 0x005
    IFM_STRIDE_C = PAYLOAD | 0x006
    OFM_BASE0 = PAYLOAD | 0x010
    OFM_BASE1 = PAYLOAD | 0x011
    OFM_BASE2 = PAYLOAD | 0x012
    OFM_BASE3 = PAYLOAD | 0x013
    OFM_STRIDE_X = PAYLOAD | 0x014
    OFM_STRIDE_Y = PAYLOAD | 0x015
    OFM_STRIDE_C = PAYLOAD | 0x016
    WEIGHT_BASE = PAYLOAD | 0x020
    WEIGHT_LENGTH = PAYLOAD | 0x021
    SCALE_BASE = PAYLOAD | 0x022
    SCALE_LENGTH = PAYLOAD | 0x023
    OFM_SCALE = PAYLOAD | 0x024
    OPA_SCALE = PAYLOAD | 0x025
    OPB_SCALE = PAYLOAD | 0x026
    DMA0_SRC = PAYLOAD | 0x030
    DMA0_DST = PAYLOAD | 0x031
    DMA0_LEN = PAYLOAD | 0x032
    DMA0_SKIP0 = PAYLOAD | 0x033
    DMA0_SKIP1 = PAYLOAD | 0x034
    IFM2_BASE0 = PAYLOAD | 0x080
    IFM2_BASE1 = PAYLOAD | 0x081
    IFM2_BASE2 = PAYLOAD | 0x082
    IFM2_BASE3 = PAYLOAD | 0x083
    IFM2_STRIDE_X = PAYLOAD | 0x084
    IFM2_STRIDE_Y = PAYLOAD | 0x085
    IFM2_STRIDE_C = PAYLOAD | 0x086
    WEIGHT1_BASE = PAYLOAD | 0x090
    WEIGHT1_LENGTH = PAYLOAD | 0x091
    SCALE1_BASE = PAYLOAD | 0x092
    SCALE1_LENGTH = PAYLOAD | 0x093


_KNOWN = frozenset(int(c) for c in Cmd)

#: Keys of commands that start a kernel or a DMA.
OPERATIONS = frozenset(
    int(c)
    for c in (
        Cmd.NPU_OP_CONV, Cmd.NPU_OP_DEPTHWISE, Cmd.NPU_OP_POOL, Cmd.NPU_OP_ELEMENTWISE,
        Cmd.NPU_OP_DMA_START,
    )
)  # fmt: skip

#: Keys below this start or order work; all others set a register.
FIRST_REGISTER = int(Cmd.IFM_PAD_TOP)


class Command(NamedTuple):
    """One decoded command."""

    word: int
    """Offset of its first word in the stream, in 32-bit words."""
    key: int
    """Opcode, with `PAYLOAD` set for two-word commands; a value of `Cmd`."""
    value: int
    """The 16-bit parameter, or ``payload | parameter << 32``."""

    @property
    def words(self) -> int:
        """Length of the command in words."""
        return 2 if self.key & PAYLOAD else 1

    @property
    def sets_register(self) -> bool:
        """Whether the command only sets a register."""
        return self.key >= FIRST_REGISTER


def decode(stream: bytes | NDArray[np.uint32]) -> list[Command]:
    """Decode a command stream.

    Parameters
    ----------
    stream
        Little-endian 32-bit words.

    Raises
    ------
    CommandStreamError
        The length is no multiple of four, an opcode is unknown, or a payload is cut off.
    """
    if isinstance(stream, np.ndarray):
        words = stream.astype(np.uint32).tolist()
    else:
        if len(stream) % 4:
            raise CommandStreamError(
                "command stream is not a whole number of 32-bit words",
                found=f"{len(stream)} bytes",
                expected="a multiple of 4",
            )
        words = np.frombuffer(stream, dtype="<u4").tolist()
    commands = []
    at, end = 0, len(words)
    while at < end:
        word = words[at]
        key = word & KEY_MASK
        if key not in _KNOWN:
            raise CommandStreamError(
                "unknown command",
                where=f"command stream word {at}",
                found=f"{word:#010x}",
                expected="a command of the Ethos-U55/U65",
                try_="check that the stream was compiled for this NPU",
            )
        if key & PAYLOAD:
            if at + 1 >= end:
                raise CommandStreamError(
                    "command stream ends inside a command",
                    where=f"command stream word {at}",
                    found=f"{Cmd(key).name} without its payload",
                    expected="one more word",
                )
            commands.append(Command(at, key, words[at + 1] | (word >> 16) << 32))
            at += 2
        else:
            commands.append(Command(at, key, word >> 16))
            at += 1
    return commands


def encode(key: int, value: int) -> list[int]:
    """Words of one command; the inverse of `decode` for one `Command`."""
    if key & PAYLOAD:
        return [(value >> 32 & 0xFFFF) << 16 | key, value & 0xFFFF_FFFF]
    return [(value & 0xFFFF) << 16 | key]


def encode_all(commands: list[Command]) -> bytes:
    """Bytes of a list of commands, little-endian."""
    words = [word for command in commands for word in encode(command.key, command.value)]
    return np.array(words, dtype="<u4").tobytes()
