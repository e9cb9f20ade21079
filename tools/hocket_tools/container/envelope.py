# SPDX-License-Identifier: Apache-2.0
"""Header, section table, checksums and strings: what is checked before any record is read."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Any

from hocket_host.errors import HocketError

from . import format as fmt
from .format import Policy, SectionKind

_REPACK = "pack the application again"
_COPY = "copy the file again, as binary"


class ContainerError(HocketError):
    """A container that cannot be built from its image, or cannot be trusted as read."""


def problem(
    at: int,
    section: str,
    message: str,
    found: object,
    expected: object,
    try_: str = _REPACK,
) -> ContainerError:
    """The error for something wrong at byte ``at``."""
    return ContainerError(
        message, found=found, expected=expected, try_=try_, where=f"byte {at} ({section})"
    )


@dataclass(frozen=True)
class Section:
    """An entry of the section table, its place checked."""

    kind: int
    offset: int
    size: int
    record_size: int
    count: int
    crc: int


@dataclass(frozen=True)
class Envelope:
    """A container whose every byte has been checked against its CRC.

    Attributes
    ----------
    header
        The parsed header.
    sections
        By kind; those that a newer minor version added are not among them.
    """

    data: memoryview
    header: Any
    sections: dict[SectionKind, Section]

    @property
    def accelerator(self) -> str:
        """Name of the accelerator."""
        return self.string(self.header.accelerator, 0)

    @property
    def policy(self) -> Policy:
        """NPU policy of the application."""
        return Policy(self.header.policy)

    def record(self, kind: SectionKind, index: int) -> tuple[int, Any]:
        """Byte offset and fields of a record; ``index`` must be below the section's count."""
        section = self.sections[kind]
        at = section.offset + index * section.record_size
        raw = bytes(self.data[at : at + section.record_size])
        # A record of an older version is short of the fields that came later, which are zero.
        fields = fmt.TABLES[kind].parse(raw + bytes(max(0, fmt.RECORD_SIZES[kind] - len(raw))))
        if self.header.version_minor <= fmt.VERSION_MINOR and any(fields.get("reserved", b"")):
            raise problem(at, kind.name.lower(), "reserved bytes in use", "not zero", "zero")
        return at, fields

    def content(self, kind: SectionKind) -> bytes:
        """Bytes of a section that is no table, without padding."""
        section = self.sections[kind]
        return bytes(self.data[section.offset : section.offset + section.count])

    def string(self, offset: int, referrer: int) -> str:
        """The string at ``offset`` of the strings section."""
        section = self.sections[SectionKind.STRINGS]
        prefix = fmt.STRING_LENGTH.sizeof()
        where = (section.offset + offset, "strings")
        if offset + prefix > section.count:
            raise problem(
                referrer,
                "strings",
                "a string outside its section",
                found=f"offset {offset}",
                expected=f"at most {section.count - prefix}",
            )
        start = section.offset + offset + prefix
        length = fmt.STRING_LENGTH.parse(self.data[start - prefix : start])
        if offset + prefix + length > section.count:
            raise problem(
                *where,
                "a string that ends outside its section",
                found=f"{length} bytes",
                expected=f"at most {section.count - offset - prefix}",
            )
        encoded = bytes(self.data[start : start + length])
        try:
            text = encoded.decode("utf-8")
        except UnicodeDecodeError as error:
            raise problem(*where, "a string is not UTF-8", repr(encoded), "UTF-8") from error
        # A name goes to terminals and logs, where a control character is an instruction.
        if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text):
            raise problem(*where, "a control character in a string", repr(text), "printable text")
        return text


def _check_magic(data: memoryview) -> None:
    magic = bytes(data[: len(fmt.MAGIC)])
    if magic == fmt.MAGIC:
        return
    where = (0, "header")
    swapped = {
        b"".join(fmt.MAGIC[i : i + width][::-1] for i in range(0, len(fmt.MAGIC), width))
        for width in (2, 4, 8)
    }
    if magic in swapped:
        raise problem(
            *where,
            "the container is byte-swapped",
            found=magic.hex(" "),
            expected=fmt.MAGIC.hex(" "),
            try_="copy the file as bytes; containers are little-endian on every machine",
        )
    if magic[1:4] == fmt.MAGIC[1:4] and len(magic) == len(fmt.MAGIC):
        raise problem(
            *where,
            "the container was damaged by a text-mode copy",
            found=magic.hex(" "),
            expected=fmt.MAGIC.hex(" "),
            try_=_COPY,
        )
    if fmt.MAGIC.startswith(magic):
        raise problem(*where, "the container is truncated", len(data), "at least 64 bytes", _COPY)
    raise problem(
        *where,
        "not a container",
        found=magic.hex(" "),
        expected=fmt.MAGIC.hex(" "),
        try_="give a file made by `hocket pack`",
    )


def _check_version(major: int, minor: int) -> None:
    if major == fmt.VERSION_MAJOR << 8:
        raise problem(
            8,
            "header",
            "the container's numbers are big-endian",
            found=f"version {major:#06x}",
            expected=f"version {fmt.VERSION_MAJOR:#06x}",
            try_="write containers little-endian on every machine",
        )
    if major != fmt.VERSION_MAJOR:
        raise problem(
            8,
            "header",
            "another major version of the format",
            found=f"version {major}.{minor}",
            expected=f"version {fmt.VERSION_MAJOR}",
            try_="use the release of Hocket that packed it, or pack it again",
        )


def _check_header(data: memoryview, header: Any) -> None:
    minor = header.version_minor
    _check_version(header.version_major, minor)
    count = header.section_count
    if not len(SectionKind) <= count <= fmt.SECTION_LIMIT or (
        minor <= fmt.VERSION_MINOR and count != len(SectionKind)
    ):
        raise problem(20, "header", "wrong number of sections", count, len(SectionKind))
    end = fmt.HEADER.sizeof() + count * fmt.SECTION.sizeof()
    if len(data) < end:
        raise problem(
            len(data), "header", "the container is truncated", len(data), f"{end} or more", _COPY
        )
    crc = fmt.header_crc(data[:end])
    if crc != header.header_crc:
        raise problem(
            fmt.HEADER_CRC_OFFSET,
            "header",
            "the header is corrupt",
            found=f"CRC {crc:#010x}",
            expected=f"CRC {header.header_crc:#010x}",
            try_=_COPY,
        )
    if len(data) != header.total_size:
        truncated = len(data) < header.total_size
        raise problem(
            min(len(data), header.total_size),
            "header",
            "the container is truncated" if truncated else "bytes after the container's end",
            found=f"{len(data)} bytes",
            expected=f"{header.total_size} bytes",
            try_=_COPY,
        )
    if header.total_size >= fmt.SIZE_LIMIT or header.arena_size >= fmt.SIZE_LIMIT:
        raise problem(
            16,
            "header",
            "a size beyond what the format allows",
            found=f"{header.total_size} bytes, arena pool {header.arena_size} bytes",
            expected=f"each below {fmt.SIZE_LIMIT}",
        )
    if not header.npu_hz:
        raise problem(32, "header", "no NPU clock", "0 Hz", "at least 1 Hz")
    if header.policy not in Policy.__members__.values():
        raise problem(44, "header", "unknown NPU policy", header.policy, "0 to 3")
    if minor <= fmt.VERSION_MINOR and any(header.reserved):
        raise problem(45, "header", "reserved bytes in use", header.reserved.hex(" "), "zero")


def _section(data: memoryview, header: Any, index: int, previous: int, start: int) -> Section:
    """Entry ``index`` of the table: a kind above ``previous``, beginning at ``start``."""
    at = fmt.HEADER.sizeof() + index * fmt.SECTION.sizeof()
    entry = fmt.SECTION.parse(data[at : at + fmt.SECTION.sizeof()])
    section = Section(
        entry.kind, entry.offset, entry.size, entry.record_size, entry.count, entry.crc
    )
    known = index < len(SectionKind)
    if (section.kind != index + 1) if known else (section.kind <= previous):
        raise problem(at, "section table", "sections out of order", section.kind, index + 1)
    name = SectionKind(section.kind).name.lower() if known else f"section {section.kind}"
    if section.offset != start or section.size % fmt.ALIGNMENT:
        raise problem(
            at,
            name,
            "a section overlaps another, leaves a gap or is not aligned",
            found=f"{section.size} bytes at {section.offset}",
            expected=f"whole 16 bytes at {start}",
        )
    if section.size > header.total_size - start:
        raise problem(
            at,
            name,
            "a section ends outside the container",
            found=f"{section.size} bytes at {section.offset}",
            expected=f"at most {header.total_size - start} bytes",
        )
    if known:
        ours = fmt.record_size(SectionKind(section.kind), header.version_minor)
        newer = header.version_minor > fmt.VERSION_MINOR and section.kind in fmt.TABLES
        grown = newer and section.record_size > ours and section.record_size % 4 == 0
        fits = section.record_size == ours or grown
        if not fits or fmt.align(section.record_size * section.count) != section.size:
            raise problem(
                at,
                name,
                "records that do not fill their section",
                found=f"{section.count} of {section.record_size} bytes in {section.size}",
                expected=f"records of {ours} bytes",
            )
    crc = binascii.crc32(data[start : start + section.size])
    if crc != section.crc:
        raise problem(
            start,
            name,
            "a section is corrupt",
            found=f"CRC {crc:#010x}",
            expected=f"CRC {section.crc:#010x}",
            try_=_COPY,
        )
    if not any(entry.reserved) or header.version_minor > fmt.VERSION_MINOR:
        return section
    raise problem(at, name, "reserved bytes in use", entry.reserved.hex(" "), "zero")


def open_envelope(data: bytes | bytearray | memoryview) -> Envelope:
    """Check magic, version, sizes, section table and every checksum.

    Raises
    ------
    ContainerError
        At the first thing that does not hold.
    """
    view = memoryview(data).cast("B")
    _check_magic(view)
    if len(view) < fmt.HEADER.sizeof():
        raise problem(
            len(view), "header", "the container is truncated", len(view), "at least 64", _COPY
        )
    header = fmt.HEADER.parse(view[: fmt.HEADER.sizeof()])
    _check_header(view, header)
    sections = {}
    kind = 0
    end = fmt.HEADER.sizeof() + header.section_count * fmt.SECTION.sizeof()
    for index in range(header.section_count):
        section = _section(view, header, index, kind, end)
        kind, end = section.kind, end + section.size
        if index < len(SectionKind):
            sections[SectionKind(kind)] = section
    if end != header.total_size:
        raise problem(end, "section table", "bytes in no section", header.total_size - end, 0)
    for known, limit in (
        (SectionKind.MODELS, fmt.MODEL_LIMIT),
        (SectionKind.TASKS, fmt.TASK_LIMIT),
    ):
        if sections[known].count > limit:
            raise problem(
                sections[known].offset,
                known.name.lower(),
                "too many records",
                found=sections[known].count,
                expected=f"at most {limit}",
            )
    envelope = Envelope(view, header, sections)
    envelope.string(header.accelerator, 40)
    return envelope
