# SPDX-License-Identifier: Apache-2.0
"""What the NPU server and its client say to each other, version 1.

A frame is ``u32 length, u8 kind, payload``; ``length`` counts kind and payload. Everything is
little-endian, texts are ASCII, times are virtual nanoseconds of the client's clock.

======== ======= ===========================================================================
from     kind    payload
======== ======= ===========================================================================
client   HELLO   ``8s magic, u32 version, u64 now``: first frame, once
client   ACCESS  1 to 1024 of ``u8 action, u64 now, u32 offset, u32 value``: actions READ, WRITE
                 (32-bit registers) and ADVANCE (only lets time pass), in order
client   DATA    answers FETCH: one ``u8`` for each range (SAME or SENT), then the bytes of those
                 that are SENT, one after the other
server   WELCOME ``u32 version, u64 npu_hz, text accelerator``: answers HELLO
server   REFUSED ``text reason``: the server closes the connection after it
server   FETCH   ranges to read, each ``u64 address, u32 size, 32s digest``; the client answers
                 SAME for a range whose SHA-256 is ``digest``, and must send one whose digest is
                 all zeros
server   STORE   ranges to write, each ``u64 address, u32 size, bytes``; not answered
server   NOTE    ``u8 level, text``: for the client's log; level INFO, WARNING or ERROR
server   DONE    ``u32 value, u8 irq, u64 due``: ends an ACCESS. Value of its last action if that
                 was a READ, level of the interrupt line, and when something will happen next
                 (NEVER if nothing will): the client sends ADVANCE at that instant
======== ======= ===========================================================================

After WELCOME the client sends ACCESS frames one at a time. Until it receives DONE it serves any
number of FETCH, STORE and NOTE frames. So a run that the client starts with a write to CMD first
lets the server fetch the command stream; DONE then says when the run is due; at that instant the
client's ADVANCE makes the server fetch what the run's operations access, execute them and store
what they wrote, and DONE raises the interrupt. Nothing of a run is visible before it is due, and a
stop request or a reset in between needs no messages of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from ..errors import HocketError

VERSION = 1
MAGIC = b"HOCKETNP"
DEFAULT_PORT = 8102
NEVER = (1 << 64) - 1
NO_DIGEST = bytes(32)

#: Longest frame that either side may send, in bytes.
MAX_FRAME = 16 << 20
#: Actions in one ACCESS.
MAX_ACTIONS = 1024
#: Virtual times are below this, some 292 years.
TIME_LIMIT_NS = 1 << 63

HEADER = struct.Struct("<IB")
_HELLO = struct.Struct("<8sIQ")
_ACTION = struct.Struct("<BQII")
_WELCOME = struct.Struct("<IQ")
_FETCH = struct.Struct("<QI32s")
_STORE = struct.Struct("<QI")
_DONE = struct.Struct("<IBQ")

#: Longest payload of an ACCESS.
MAX_REQUEST = MAX_ACTIONS * _ACTION.size


class ProtocolError(HocketError):
    """A frame that does not belong where it came, or does not hold what it should."""


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 0x01
    ACCESS = 0x02
    DATA = 0x03
    WELCOME = 0x81
    REFUSED = 0x82
    FETCH = 0x83
    STORE = 0x84
    NOTE = 0x85
    DONE = 0x86


class ActionKind(IntEnum):
    """What the client's CPU or clock did."""

    READ = 0
    WRITE = 1
    ADVANCE = 2


class Level(IntEnum):
    """How much a NOTE matters."""

    INFO = 0
    WARNING = 1
    ERROR = 2


@dataclass(frozen=True)
class Action:
    """One entry of an ACCESS."""

    kind: ActionKind
    now_ns: int
    offset: int = 0
    value: int = 0


@dataclass(frozen=True)
class Wanted:
    """One range of a FETCH."""

    address: int
    size: int
    digest: bytes = NO_DIGEST
    """SHA-256 of what the server has of it; NO_DIGEST if nothing."""


def frame(kind: Kind, payload: bytes = b"") -> bytes:
    """A whole frame."""
    return HEADER.pack(1 + len(payload), kind) + payload


def hello(now_ns: int, version: int = VERSION) -> bytes:
    """First frame of a client."""
    return frame(Kind.HELLO, _HELLO.pack(MAGIC, version, now_ns))


def access(actions: Sequence[Action]) -> bytes:
    """What happened since the last ACCESS."""
    packed = (_ACTION.pack(a.kind, a.now_ns, a.offset, a.value) for a in actions)
    return frame(Kind.ACCESS, b"".join(packed))


def welcome(npu_hz: int, accelerator: str) -> bytes:
    """Answer to HELLO."""
    return frame(Kind.WELCOME, _WELCOME.pack(VERSION, npu_hz) + _ascii(accelerator))


def refused(reason: str) -> bytes:
    """Last frame of a connection."""
    return frame(Kind.REFUSED, _ascii(reason))


def fetch(ranges: Sequence[Wanted]) -> bytes:
    """Ask for memory."""
    return frame(Kind.FETCH, b"".join(_FETCH.pack(r.address, r.size, r.digest) for r in ranges))


def store(ranges: Sequence[tuple[int, bytes]]) -> bytes:
    """Change memory: ``(address, bytes)``."""
    return frame(Kind.STORE, b"".join(_STORE.pack(at, len(data)) + data for at, data in ranges))


def note(level: Level, text: str) -> bytes:
    """A line for the client's log."""
    return frame(Kind.NOTE, bytes([level]) + _ascii(text))


def done(value: int, irq: bool, due_ns: int | None) -> bytes:
    """End of an ACCESS."""
    return frame(Kind.DONE, _DONE.pack(value, irq, NEVER if due_ns is None else due_ns))


def _ascii(text: str) -> bytes:
    return " ".join(text.split()).encode("ascii", "replace")


def parse_header(data: bytes, limit: int) -> tuple[Kind, int]:
    """Kind of a frame and the length of its payload.

    Parameters
    ----------
    data
        Its first five bytes.
    limit
        Longest payload that is acceptable now.

    Raises
    ------
    ProtocolError
        Unknown kind, or a length out of range.
    """
    length, number = HEADER.unpack(data)
    try:
        kind = Kind(number)
    except ValueError:
        raise ProtocolError(
            "unknown frame", found=f"kind {number:#04x}", expected="a kind of protocol version 1"
        ) from None
    if not 1 <= length <= 1 + limit:
        raise ProtocolError(
            "frame of a length that it cannot have",
            where=kind.name,
            found=f"{length} bytes",
            expected=f"1 to {1 + limit} bytes",
        )
    return kind, length - 1


def parse_hello(payload: bytes) -> int:
    """Virtual time of a client that speaks this protocol.

    Raises
    ------
    ProtocolError
        It does not, or another version of it.
    """
    if len(payload) < _HELLO.size or not payload.startswith(MAGIC):
        raise ProtocolError(
            "no client of an NPU server", found=payload[:8].hex(), expected=MAGIC.hex()
        )
    _, version, now_ns = _HELLO.unpack_from(payload)
    if version != VERSION:
        raise ProtocolError(
            "client and server are of different versions",
            found=f"protocol version {version} of the client",
            expected=f"{VERSION}, the server's",
            try_="use the renode/ethos_u55.py that came with this hocket",
        )
    return _time(now_ns)


def _time(now_ns: int) -> int:
    if now_ns >= TIME_LIMIT_NS:
        raise ProtocolError(
            "no virtual time", found=f"{now_ns} ns", expected=f"less than {TIME_LIMIT_NS} ns"
        )
    return now_ns


def parse_access(payload: bytes) -> list[Action]:
    """Actions of an ACCESS.

    Raises
    ------
    ProtocolError
        No whole number of known actions.
    """
    count, rest = divmod(len(payload), _ACTION.size)
    if rest or not 1 <= count <= MAX_ACTIONS:
        raise ProtocolError(
            "not a list of actions",
            where="ACCESS",
            found=f"{len(payload)} bytes",
            expected=f"1 to {MAX_ACTIONS} times {_ACTION.size} bytes",
        )
    actions = []
    for number, now_ns, offset, value in _ACTION.iter_unpack(payload):
        try:
            actions.append(Action(ActionKind(number), _time(now_ns), offset, value))
        except ValueError:
            raise ProtocolError(
                "unknown action", where="ACCESS", found=number, expected="0, 1 or 2"
            ) from None
    return actions


def parse_data(payload: bytes, ranges: Sequence[Wanted]) -> list[bytes | None]:
    """Bytes of each range; None for one that is the same.

    Raises
    ------
    ProtocolError
        Not an answer to this FETCH.
    """
    count = len(ranges)
    flags = payload[:count]
    known = all(
        flag == 0 or (flag == 1 and r.digest != NO_DIGEST)
        for flag, r in zip(flags, ranges, strict=False)
    )
    size = count + sum(r.size for flag, r in zip(flags, ranges, strict=False) if flag == 0)
    if len(flags) != count or not known or len(payload) != size:
        raise ProtocolError(
            "not an answer to the FETCH before it",
            where="DATA",
            found=f"{len(payload)} bytes, flags {flags.hex()}",
            expected=f"{count} flags and the bytes of what differs, {size} bytes",
        )
    parts: list[bytes | None] = []
    at = count
    for flag, wanted in zip(flags, ranges, strict=True):
        if flag:
            parts.append(None)
            continue
        parts.append(payload[at : at + wanted.size])
        at += wanted.size
    return parts
