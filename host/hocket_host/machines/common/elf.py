# SPDX-License-Identifier: Apache-2.0
"""ARM executables: what to load where, symbols, and what processor they were built for.

Sources: Tool Interface Standard ELF 1.2; ELF for the Arm Architecture; Addenda to the ABI for the
Arm Architecture (build attributes).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hocket_host.errors import HocketError

_MACHINE_ARM = 40
_MACHINES = {
    3: "x86", 8: "MIPS", 20: "PowerPC", 40: "Arm", 62: "x86-64", 94: "Xtensa", 183: "AArch64",
    243: "RISC-V",
}  # fmt: skip
_TYPE_EXECUTABLE = 2
_HEADER_BYTES = 52
_SEGMENT_LOAD = 1
_SECTION_SYMBOLS = 2
_SECTION_ATTRIBUTES = 0x7000_0003
_FLAG_EXECUTE = 1
_SYMBOL_FUNCTION, _SYMBOL_OBJECT, _SYMBOL_NONE = 2, 1, 0

_TAG_CPU_NAME, _TAG_CPU_ARCH, _TAG_PROFILE, _TAG_MVE = 5, 6, 7, 48
#: Tags whose value is a text; above 32 that goes by parity.
_TEXT_TAGS = {4, 5, 32, 65, 67}
_ARCH_V8_1M = 21
_ARCHS = {
    6: "Armv6", 10: "Armv7", 11: "Armv6-M", 12: "Armv6S-M", 13: "Armv7E-M", 14: "Armv8-A",
    15: "Armv8-R", 16: "Armv8-M.baseline", 17: "Armv8-M.mainline", 21: "Armv8.1-M.mainline",
    22: "Armv9-A",
}  # fmt: skip
_RUNNABLE_ARCHS = {10, 11, 12, 13, 16, 17}

REBUILD = "compile and link with -mcpu=cortex-m33 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard"


class ElfError(HocketError):
    """A file that is no executable for this machine."""


@dataclass(frozen=True)
class Symbol:
    """A function or an object; ``address`` without the Thumb bit."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Segment:
    """Bytes to load at ``load_address``, where an image's startup code expects them."""

    load_address: int
    address: int
    data: bytes
    executable: bool
    offset: int
    """Of the bytes in the file."""


@dataclass(frozen=True)
class ElfImage:
    """An executable."""

    path: str
    file: bytes
    entry: int
    segments: tuple[Segment, ...]
    symbols: tuple[Symbol, ...]
    """In order of address."""
    attributes: dict[int, int | str]
    """Build attributes of the whole file by tag."""

    def symbol(self, name: str) -> Symbol:
        """The symbol of a name.

        Raises
        ------
        ElfError
            There is none.
        """
        for symbol in self.symbols:
            if symbol.name == name:
                return symbol
        raise ElfError(
            "no such symbol",
            where=self.path,
            found=name,
            expected="the name of a function or object of the image",
            try_="link without --strip-all",
        )

    def locate(self, address: int) -> str:
        """An address for people: ``function+0x12``, or the number alone."""
        at = bisect_right(self.symbols, address, key=lambda s: s.address) - 1
        while at >= 0 and address - self.symbols[at].address < 0x10_0000:
            symbol = self.symbols[at]
            if address < symbol.address + max(symbol.size, 1) or symbol.size == 0:
                offset = address - symbol.address
                return f"{symbol.name}+{offset:#x}" if offset else symbol.name
            at -= 1
            if at >= 0 and symbol.address != self.symbols[at].address:
                break
        return f"{address:#010x}"


def _fail(path: str, message: str, found: object, expected: str, try_: str) -> ElfError:
    return ElfError(message, where=path, found=found, expected=expected, try_=try_)


def load_elf(path: str | Path, *, vectors: bool = False) -> ElfImage:
    """Read an executable.

    Parameters
    ----------
    path
        The file.
    vectors
        Whether Armv8.1-M and its vector instructions (MVE) will do, which only a true Cortex-M55
        has.

    Raises
    ------
    ElfError
        No ELF file, damaged, not for 32-bit little-endian Arm, not linked, or built for
        instructions that the emulated core does not have.
    """
    name = str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise _fail(
            name, "the firmware cannot be read", error.strerror, "an ELF file",
            "build it (make firmware) or check the path",
        ) from error  # fmt: skip
    if data[:4] != b"\x7fELF":
        raise _fail(
            name, "not an ELF file", data[:4].hex() or "an empty file", "7f454c46",
            "give the .elf file rather than a .bin or .hex",
        )  # fmt: skip
    try:
        image = _read(data, name)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise _fail(
            name, "the ELF file is damaged", f"{len(data)} bytes, {error}",
            "headers and tables inside the file", "build it again",
        ) from error  # fmt: skip
    _check_processor(image, vectors)
    return image


def _read(data: bytes, path: str) -> ElfImage:
    order: Literal["little", "big"] = "big" if data[5] == 2 else "little"
    if len(data) < _HEADER_BYTES:
        raise IndexError("no whole header")
    machine = int.from_bytes(data[18:20], order)
    if (data[4], data[5], machine) != (1, 1, _MACHINE_ARM):
        raise _fail(
            path, "the ELF file is not for this machine",
            f"{_MACHINES.get(machine, f'machine {machine}')}, "
            f"{'64' if data[4] == 2 else '32'} bits, {order}-endian",
            "Arm, 32 bits, little-endian", f"build it (make firmware); or {REBUILD}",
        )  # fmt: skip
    kind, _, _, entry, phoff, shoff, _, _, phsize, phnum, shsize, shnum, _ = struct.unpack_from(
        "<HHIIIIIHHHHHH", data, 16
    )
    if kind != _TYPE_EXECUTABLE:
        raise _fail(
            path, "the ELF file is not linked", {1: "an object file"}.get(kind, f"type {kind}"),
            "an executable", "link it with the board's linker script",
        )  # fmt: skip
    for name, end in (("program", phoff + phnum * phsize), ("section", shoff + shnum * shsize)):
        if end > len(data):
            raise IndexError(f"the {name} headers end at {end}")
    segments = []
    for index in range(phnum):
        type_, offset, vaddr, paddr, filesz, _, flags, _ = struct.unpack_from(
            "<IIIIIIII", data, phoff + index * phsize
        )
        if type_ == _SEGMENT_LOAD and filesz:
            if offset + filesz > len(data):
                raise IndexError(f"segment {index} ends beyond the file")
            content = data[offset : offset + filesz]
            segments.append(Segment(paddr, vaddr, content, bool(flags & _FLAG_EXECUTE), offset))
    if not segments:
        raise _fail(
            path, "the ELF file holds nothing to load", "no loadable segment", "code and data",
            "check the linker script",
        )  # fmt: skip
    attributes: dict[int, int | str] = {}
    symbols: list[Symbol] = []
    sections = [struct.unpack_from("<IIIIIIIIII", data, shoff + i * shsize) for i in range(shnum)]
    for section in sections:
        content = data[section[4] : section[4] + section[5]]
        if section[1] == _SECTION_ATTRIBUTES:
            attributes = _attributes(content)
        elif section[1] == _SECTION_SYMBOLS:
            names = sections[section[6]]
            symbols = _symbols(content, data[names[4] : names[4] + names[5]])
    return ElfImage(path, data, entry, tuple(segments), tuple(symbols), attributes)


def _symbols(table: bytes, names: bytes) -> list[Symbol]:
    found = []
    for at in range(0, len(table) - 15, 16):
        name_at, value, size, info, _, section = struct.unpack_from("<IIIBBH", table, at)
        kind = info & 15
        if section == 0 or kind not in (_SYMBOL_NONE, _SYMBOL_OBJECT, _SYMBOL_FUNCTION):
            continue
        name = names[name_at : names.index(b"\0", name_at)].decode("utf-8")
        # $a, $d and $t only mark where code and data begin.
        if not name or name.startswith("$"):
            continue
        found.append(Symbol(name, value & ~1 if kind == _SYMBOL_FUNCTION else value, size))
    # The sized symbol last among those of one address, as it is looked at first.
    return sorted(found, key=lambda s: (s.address, s.size, s.name))


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _attributes(section: bytes) -> dict[int, int | str]:
    """File-scope attributes of the vendor ``aeabi``."""
    found: dict[int, int | str] = {}
    at = 1
    while section[:1] == b"A" and at + 4 < len(section):
        (length,) = struct.unpack_from("<I", section, at)
        body = section[at + 4 : at + length]
        at += max(length, 4)
        vendor, _, rest = body.partition(b"\0")
        if vendor == b"aeabi" and rest[:1] == b"\1":
            (size,) = struct.unpack_from("<I", rest, 1)
            found.update(_tags(rest[5:size]))
    return found


def _tags(data: bytes) -> dict[int, int | str]:
    found: dict[int, int | str] = {}
    at = 0
    while at < len(data):
        tag, at = _uleb(data, at)
        if tag == 32:  # compatibility: a number, then a text
            _, at = _uleb(data, at)
        if tag in _TEXT_TAGS or (tag > 32 and tag % 2):
            end = data.index(b"\0", at)
            found[tag], at = data[at:end].decode("latin-1"), end + 1
        else:
            found[tag], at = _uleb(data, at)
    return found


def _check_processor(image: ElfImage, vectors: bool) -> None:
    arch = image.attributes.get(_TAG_CPU_ARCH)
    mve = image.attributes.get(_TAG_MVE, 0)
    newer = arch == _ARCH_V8_1M or bool(mve)
    if newer and not vectors:
        raise _fail(
            image.path,
            "the image was built for instructions that the bundled emulator lacks",
            f"{image.attributes.get(_TAG_CPU_NAME, 'Armv8.1-M')}"
            + (", with vector instructions (MVE)" if mve else ""),
            "Armv8-M, which runs on a Cortex-M55 as well",
            f"run it in QEMU or Renode (--backend qemu, --backend renode); or {REBUILD}",
        )
    if (
        not newer
        and arch is not None
        and (
            arch not in _RUNNABLE_ARCHS
            or image.attributes.get(_TAG_PROFILE) in (ord("A"), ord("R"))
        )
    ):
        raise _fail(
            image.path, "the image is for another Arm processor",
            f"{_ARCHS.get(int(arch), arch)}, "
            f"{image.attributes.get(_TAG_CPU_NAME, 'no name')}",
            "Armv8-M (Cortex-M33)", REBUILD,
        )  # fmt: skip
