# SPDX-License-Identifier: Apache-2.0
"""The driver payload around a command stream ("COP1")."""

from __future__ import annotations

import numpy as np

from hocket_host.ethosu.config import NpuConfig

from .options import VelaError

_FOURCC = 0x31504F43  # "COP1"
_CONFIG, _STREAM, _NOP = 1, 2, 5


def command_stream(payload: bytes, npu: NpuConfig) -> bytes:
    """The command stream inside a payload.

    Parameters
    ----------
    payload
        Words: fourcc; a configuration action with the CONFIG and ID registers it was made for;
        padding; the stream with its length in words, starting at a multiple of 16 bytes.
    npu
        The accelerator that it must be made for.

    Raises
    ------
    VelaError
        Another format, a payload cut short, or another accelerator.
    """
    if len(payload) % 4:
        raise _bad(f"{len(payload)} bytes", "whole 32-bit words")
    words = np.frombuffer(payload, dtype="<u4").tolist()
    if not words or words[0] != _FOURCC:
        raise _bad(repr(payload[:4]), "b'COP1'")
    at = 1
    identified = False
    while at < len(words):
        action, high, low = words[at] & 0xFF, words[at] >> 8 & 0xFF, words[at] >> 16
        at += 1
        if action == _CONFIG and at + 2 <= len(words):
            expected = (npu.config_register, npu.id_register)
            if (words[at], words[at + 1]) != expected:
                raise _bad(
                    f"CONFIG {words[at]:#x}, ID {words[at + 1]:#x}",
                    f"CONFIG {expected[0]:#x}, ID {expected[1]:#x} for {npu.name}",
                )
            identified = True
            at += 2
        elif action == _STREAM:
            length = high << 16 | low
            if not identified:
                raise _bad("no CONFIG and ID", "them before the stream")
            if at % 4 or at + length != len(words):
                raise _bad(
                    f"{len(words) - at} words at word {at}",
                    f"a stream of {length} words at a multiple of 4",
                )
            return payload[4 * at :]
        elif action != _NOP:
            raise _bad(f"action {action} at word {at - 1}", "configuration, stream or padding")
    raise _bad("no command stream", "one")


def _bad(found: str, expected: str) -> VelaError:
    return VelaError(
        "unexpected driver payload", found=found, expected=expected,
        try_="use the version of ethos-u-vela that Hocket asks for",
    )  # fmt: skip
