# SPDX-License-Identifier: Apache-2.0
"""An ARM image, and the few words of its vector table that are changed for QEMU.

The file stays as it is: the changed copy is QEMU's alone.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import QemuError

_LOAD, _ARM = 1, 40
RESET_VECTOR, NMI_VECTOR, HARD_FAULT_VECTOR, FIRST_IRQ_VECTOR = 1, 2, 3, 16


@dataclass(frozen=True)
class Image:
    """An executable with its vector table at address 0."""

    path: Path
    data: bytes
    segments: tuple[tuple[int, int, int], ...]
    """Load address, offset in the file and bytes of each segment."""

    def _offset(self, vector: int) -> int:
        address = 4 * vector
        for base, offset, size in self.segments:
            if base <= address and address + 4 <= base + size:
                return offset + address - base
        raise QemuError(
            "the image has no vector table where mps3-an547 looks for it",
            where=self.path,
            found=", ".join(f"{b:#x}..{b + n - 1:#x}" for b, _, n in self.segments) or "nothing",
            expected=f"vector {vector} at address {address:#x}",
            try_="link the vectors to address 0, the instruction memory",
        )

    def vector(self, number: int) -> int:
        """A word of the vector table."""
        value: int = struct.unpack_from("<I", self.data, self._offset(number))[0]
        return value

    def patched(self, vectors: Mapping[int, int]) -> bytes:
        """The file with words of the vector table replaced."""
        data = bytearray(self.data)
        for number, value in vectors.items():
            struct.pack_into("<I", data, self._offset(number), value)
        return bytes(data)


def read(path: str | Path) -> Image:
    """Read an executable.

    Raises
    ------
    QemuError
        It cannot be read, or is no linked ELF file for 32-bit little-endian Arm.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise QemuError(
            "the firmware cannot be read", where=path, found=error.strerror,
            expected="an ELF file", try_="build it (make firmware) or check the path",
        ) from error  # fmt: skip
    try:
        if data[:6] != b"\x7fELF\x01\x01" or struct.unpack_from("<HH", data, 16) != (2, _ARM):
            raise QemuError(
                "not an executable for this machine", where=path,
                found=data[:20].hex() or "an empty file",
                expected="a linked ELF file for 32-bit little-endian Arm",
                try_="give the .elf file that the linker of arm-none-eabi-gcc wrote",
            )  # fmt: skip
        table, entry_size, entries = (
            *struct.unpack_from("<I", data, 28), *struct.unpack_from("<HH", data, 42),
        )  # fmt: skip
        segments = []
        for index in range(entries):
            kind, offset, _, physical, size = struct.unpack_from(
                "<IIIII", data, table + index * entry_size
            )
            if offset + size > len(data):
                raise struct.error(f"segment {index} ends beyond the file")
            if kind == _LOAD and size:
                segments.append((physical, offset, size))
    except struct.error as error:
        raise QemuError(
            "the ELF file is damaged", where=path, found=f"{len(data)} bytes, {error}",
            expected="headers and segments inside the file", try_="build it again",
        ) from error  # fmt: skip
    return Image(path, data, tuple(segments))
