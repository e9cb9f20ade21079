# SPDX-License-Identifier: Apache-2.0
"""An ARM image, and the few words of its vector table that are changed for QEMU.

The file stays as it is: the changed copy is QEMU's alone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ..common.elf import ElfImage
from .errors import QemuError

RESET_VECTOR, NMI_VECTOR, HARD_FAULT_VECTOR, FIRST_IRQ_VECTOR = 1, 2, 3, 16


def _offset(image: ElfImage, vector: int) -> int:
    """Where the file has a word of the vector table.

    Raises
    ------
    QemuError
        Nowhere.
    """
    address = 4 * vector
    ranges = []
    for segment in image.segments:
        base, size = segment.load_address, len(segment.data)
        if base <= address and address + 4 <= base + size:
            return segment.offset + address - base
        ranges.append(f"{base:#x}..{base + size - 1:#x}")
    raise QemuError(
        "the image has no vector table where mps3-an547 looks for it", where=image.path,
        found=", ".join(ranges), expected=f"vector {vector} at address {address:#x}",
        try_="link the vectors to address 0, the instruction memory",
    )  # fmt: skip


def vector(image: ElfImage, number: int) -> int:
    """A word of the vector table."""
    value: int = struct.unpack_from("<I", image.file, _offset(image, number))[0]
    return value


def patched(image: ElfImage, vectors: Mapping[int, int]) -> bytes:
    """The file with words of the vector table replaced."""
    data = bytearray(image.file)
    for number, value in vectors.items():
        struct.pack_into("<I", data, _offset(image, number), value)
    return bytes(data)
