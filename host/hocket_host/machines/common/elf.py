# SPDX-License-Identifier: Apache-2.0
"""ARM executables: what to load where, symbols, and what CPU they were built for.

Sources: Tool Interface Standard ELF 1.2; ELF for the Arm Architecture; Addenda to the ABI for the
Arm Architecture (build attributes).
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.construct import Construct
from elftools.elf.descriptions import describe_e_machine, describe_e_type
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import ARMAttributesSubsection

from hocket_host.errors import HocketError

_ARCH_V8_1M = 21
#: Values of Tag_CPU_arch from Armv7-M to Armv8-M with the main extension.
_RUNNABLE_ARCHS = {10, 11, 12, 13, 16, 17}
#: Build attributes take some 50 bytes; a damaged section must not take longer than that to read.
_ATTRIBUTES_LIMIT = 4096
_NAME_LIMIT = 4096
_HEADER_BYTES = 52
_FLAG_EXECUTE = 1
_SYMBOL_NONE, _SYMBOL_OBJECT, _SYMBOL_FUNCTION = 0, 1, 2

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
class LoadSegment:
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
    segments: tuple[LoadSegment, ...]
    symbols: tuple[Symbol, ...]
    """In order of address."""
    attributes: dict[str, Any]
    """Build attributes of the whole file, by the name of their tag (``TAG_CPU_ARCH``)."""

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
    # All that pyelftools raises on damage: beside its own, those of a short or absurd field.
    except (ELFError, ValueError, OverflowError, RecursionError) as error:
        raise _fail(
            name, "the ELF file is damaged", f"{len(data)} bytes, {error}",
            "headers and tables inside the file", "build it again",
        ) from error  # fmt: skip
    _check_cpu(image, vectors)
    return image


def _read(data: bytes, path: str) -> ElfImage:
    if len(data) < _HEADER_BYTES:
        raise ELFError("no whole header")
    elf = ELFFile(BytesIO(data))
    header = elf.header
    if (elf.elfclass, elf.little_endian, header["e_machine"]) != (32, True, "EM_ARM"):
        raise _fail(
            path, "the ELF file is not for this machine",
            f"{describe_e_machine(header['e_machine'])}, {elf.elfclass} bits, "
            f"{'little' if elf.little_endian else 'big'}-endian",
            "Arm, 32 bits, little-endian", f"build it (make firmware); or {REBUILD}",
        )  # fmt: skip
    if header["e_type"] != "ET_EXEC":
        raise _fail(
            path, "the ELF file is not linked",
            "an object file" if header["e_type"] == "ET_REL" else describe_e_type(header["e_type"]),
            "an executable", "link it with the board's linker script",
        )  # fmt: skip
    content = _Content(data)
    segments = [
        LoadSegment(
            head["p_paddr"], head["p_vaddr"],
            content.take(head["p_offset"], head["p_filesz"]),
            bool(head["p_flags"] & _FLAG_EXECUTE), head["p_offset"],
        )
        for head in _headers(elf, elf.structs.Elf_Phdr, "ph")
        if head["p_type"] == "PT_LOAD" and head["p_filesz"]
    ]  # fmt: skip
    if not segments:
        raise _fail(
            path, "the ELF file holds nothing to load", "no loadable segment", "code and data",
            "check the linker script",
        )  # fmt: skip
    sections = list(_headers(elf, elf.structs.Elf_Shdr, "sh"))
    attributes: dict[str, Any] = {}
    symbols: list[Symbol] = []
    for section in sections:
        if section["sh_type"] == "SHT_ARM_ATTRIBUTES":
            attributes.update(_attributes(elf, content.section(section)))
        elif section["sh_type"] == "SHT_SYMTAB" and section["sh_link"] < len(sections):
            names = content.section(sections[section["sh_link"]])
            symbols += _symbols(content.section(section), names)
    # The sized symbol last among those of one address, as it is looked at first.
    symbols.sort(key=lambda s: (s.address, s.size, s.name))
    return ElfImage(path, data, header["e_entry"], tuple(segments), tuple(symbols), attributes)


def _headers(elf: ELFFile, layout: Construct, table: str) -> Iterator[Any]:
    """Program or section headers; as many as the file's header says, which are all inside it."""
    at, size, count = (elf.header[f"e_{table}{field}"] for field in ("off", "entsize", "num"))
    if at + size * count > elf.stream_len:
        raise ELFError(f"the headers at {at} end beyond the file")
    for index in range(count):
        yield struct_parse(layout, elf.stream, at + index * size)


class _Content:
    """What headers point to; not more in all than the file has, which bounds time and memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = len(data)

    def take(self, offset: int, size: int) -> bytes:
        self._left -= size
        if offset + size > len(self._data) or self._left < 0:
            raise ELFError(f"{size} bytes at {offset} overlap others or end beyond the file")
        return self._data[offset : offset + size]

    def section(self, head: Any) -> bytes:
        return self.take(head["sh_offset"], head["sh_size"])


def _symbols(table: bytes, names: bytes) -> Iterator[Symbol]:
    # A large image has thousands, of which each costs pyelftools twenty times as long.
    for entry in struct.iter_unpack("<IIIBBH", table[: len(table) // 16 * 16]):
        name_at, value, size, info, _, section = entry
        kind = info & 15
        if section == 0 or kind not in (_SYMBOL_NONE, _SYMBOL_OBJECT, _SYMBOL_FUNCTION):
            continue
        name = names[name_at : names.index(b"\0", name_at, name_at + _NAME_LIMIT)].decode()
        # $a, $d and $t only mark where code and data begin.
        if name and not name.startswith("$"):
            yield Symbol(name, value & ~1 if kind == _SYMBOL_FUNCTION else value, size)


def _attributes(elf: ELFFile, section: bytes) -> dict[str, Any]:
    """File-scope attributes of the vendor ``aeabi``."""
    found: dict[str, Any] = {}
    section = section[:_ATTRIBUTES_LIMIT]
    at = 1
    while section[:1] == b"A" and at < len(section):
        part = ARMAttributesSubsection(BytesIO(section), elf.structs, at)
        if part["vendor_name"] == "aeabi":
            whole_file = next(part.iter_subsubsections())
            if whole_file.header.tag == "TAG_FILE":
                found.update({a.tag: a.value for a in whole_file.iter_attributes()})
        at += max(part["length"], 4)
    return found


def _check_cpu(image: ElfImage, vectors: bool) -> None:
    arch = image.attributes.get("TAG_CPU_ARCH")
    mve = image.attributes.get("TAG_MVE_ARCH", 0)
    cpu = image.attributes.get("TAG_CPU_NAME", f"Tag_CPU_arch {arch}")
    newer = arch == _ARCH_V8_1M or bool(mve)
    if newer and not vectors:
        raise _fail(
            image.path, "the image was built for instructions that the bundled emulator lacks",
            cpu + (", with vector instructions (MVE)" if mve else ""),
            "Armv8-M, which runs on a Cortex-M55 as well",
            f"run it in QEMU or Renode (--backend qemu, --backend renode); or {REBUILD}",
        )  # fmt: skip
    other = image.attributes.get("TAG_CPU_ARCH_PROFILE") in (ord("A"), ord("R"))
    if not newer and arch is not None and (arch not in _RUNNABLE_ARCHS or other):
        raise _fail(
            image.path, "the image is for another Arm CPU", cpu, "Armv8-M (Cortex-M33)", REBUILD
        )
