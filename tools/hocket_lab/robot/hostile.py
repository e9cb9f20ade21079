# SPDX-License-Identifier: Apache-2.0
"""Containers that a device must refuse before anything runs."""

from __future__ import annotations

import struct
from dataclasses import replace

from hocket_host.ethosu.config import npu_config
from hocket_tools import container as hkt
from hocket_tools.container import format as layout

_FOREIGN = "ethos-u55-256"
_VERSION_AT = len(layout.MAGIC)
#: Far more than any board has.
_ARENA = 256 << 20


def containers(image: hkt.Image) -> dict[str, bytes]:
    """Spoilt containers by the name of their file.

    Parameters
    ----------
    image
        The sound one.
    """
    data = hkt.build(image)
    other = npu_config(_FOREIGN)
    return {
        **_flipped(data),
        "truncated.hkt": data[: len(data) // 2],
        "cut_in_header.hkt": data[: layout.HEADER.sizeof() // 2],
        "later_version.hkt": _at(data, _VERSION_AT, struct.pack("<H", layout.VERSION_MAJOR + 1)),
        "big_endian.hkt": layout.MAGIC[::-1] + data[len(layout.MAGIC) :],
        "text_mode.hkt": data.replace(b"\r\n", b"\n"),
        "noise.hkt": bytes(i * 37 & 0xFF for i in range(4096)),
        "foreign.hkt": hkt.build(replace(image, npu_config=other.config_register)),
        "architecture.hkt": hkt.build(replace(image, npu_id=image.npu_id + (1 << 28))),
        "arena.hkt": hkt.build(replace(image, arena_size=_ARENA)),
    }


def _flipped(data: bytes) -> dict[str, bytes]:
    """One bit wrong in the header and in each section; every byte is under some CRC."""
    flipped = {"flip_header.hkt": _flip(data, _VERSION_AT + 8)}
    table = layout.HEADER.sizeof()
    for index in range(len(layout.SectionKind)):
        section = layout.SECTION.parse(data[table + index * layout.SECTION.sizeof() :])
        if section.size:
            name = layout.SectionKind(section.kind).name.lower()
            flipped[f"flip_{name}.hkt"] = _flip(data, section.offset + section.size // 2)
    return flipped


def _flip(data: bytes, at: int) -> bytes:
    return _at(data, at, bytes([data[at] ^ 0x10]))


def _at(data: bytes, at: int, part: bytes) -> bytes:
    return data[:at] + part + data[at + len(part) :]
