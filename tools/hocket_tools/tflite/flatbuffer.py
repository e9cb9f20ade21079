# SPDX-License-Identifier: Apache-2.0
"""A bounds-checked reader of FlatBuffers: hostile bytes give an error, never a stray read.

The generated readers trust every offset. This one checks each against the buffer before use, which
is what lets a damaged file be told from a good one before a compiler in C++ meets it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeVar

from hocket_host.errors import HocketError

T = TypeVar("T")

#: Bytes of strings and vectors that may be read for each byte of the file. Tables may share them,
#: but a file in which everything refers to everything would otherwise take for ever to read.
_SHARING = 64
#: A number read from a vector takes this many times the memory that it has in the file.
_NUMBERS = 16
_LEAST_BUDGET = 1 << 16


class FlatBufferError(HocketError):
    """An offset, a length or a vector that leaves its buffer."""


class _Budget:
    """What reading one file may still take; tables of one file share it."""

    __slots__ = ("left", "tables")

    def __init__(self, size: int) -> None:
        self.tables = size
        self.left = _LEAST_BUDGET + _SHARING * size


class FlatTable:
    """One table of a FlatBuffer; fields are addressed by their id in the schema.

    Parameters
    ----------
    data
        The whole buffer.
    at
        Byte offset of the table.
    """

    __slots__ = ("_at", "_budget", "_data", "_fields", "_vtable")

    def __init__(self, data: bytes, at: int, budget: _Budget | None = None) -> None:
        self._data = data
        self._at = at
        self._budget = budget or _Budget(len(data))
        self._budget.tables -= 1
        if self._budget.tables < 0:
            raise self._bad("more references to tables than the file has bytes", at)
        (back,) = self._unpack("<i", at)
        self._vtable = at - back
        (size, span) = self._unpack("<HH", self._vtable)
        if size < 4 or size % 2:
            raise self._bad(f"field table of {size} bytes", self._vtable)
        self._take(self._vtable, size)
        self._take(at, span)
        self._fields = (size - 4) // 2

    @classmethod
    def root(cls, data: bytes) -> FlatTable:
        """The root table of a buffer."""
        if len(data) < 8:
            raise FlatBufferError(
                "file is too short", found=f"{len(data)} bytes", expected="at least 8 bytes"
            )
        return cls(data, struct.unpack_from("<I", data, 0)[0])

    def _bad(self, found: str, at: int) -> FlatBufferError:
        return FlatBufferError(
            "damaged file",
            where=f"byte {at}",
            found=found,
            expected=f"everything inside the {len(self._data)} bytes of the file",
            try_="copy or export the file again",
        )

    def _spend(self, length: int, at: int) -> None:
        self._budget.left -= length
        if self._budget.left < 0:
            raise self._bad("vectors and strings that overlap without end", at)

    def _take(self, at: int, length: int) -> None:
        if at < 0 or length < 0 or at + length > len(self._data):
            raise self._bad(f"{length} bytes at {at}", at)

    def _unpack(self, form: str, at: int) -> tuple[int, ...]:
        self._take(at, struct.calcsize(form))
        return struct.unpack_from(form, self._data, at)

    def _field(self, field: int) -> int | None:
        if field >= self._fields:
            return None
        (offset,) = self._unpack("<H", self._vtable + 4 + 2 * field)
        return self._at + offset if offset else None

    def _target(self, at: int) -> int:
        (offset,) = self._unpack("<I", at)
        if offset == 0:
            raise self._bad("a null reference", at)
        return at + offset

    def scalar(self, field: int, form: str, default: int = 0) -> int:
        """An integer field; ``form`` is its `struct` code."""
        at = self._field(field)
        return default if at is None else self._unpack("<" + form, at)[0]

    def table(self, field: int) -> FlatTable | None:
        """A sub-table, or None when absent."""
        at = self._field(field)
        return None if at is None else FlatTable(self._data, self._target(at), self._budget)

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int] | None:
        at = self._field(field)
        if at is None:
            return None
        start = self._target(at)
        (count,) = self._unpack("<I", start)
        self._take(start + 4, count * item_bytes)
        return start + 4, count

    def vector(self, field: int, form: str) -> tuple[int, ...]:
        """A vector of numbers; empty when absent."""
        found = self._vector(field, struct.calcsize("<" + form))
        if found is None:
            return ()
        start, count = found
        self._spend(count * struct.calcsize("<" + form) * _NUMBERS, start)
        return struct.unpack_from(f"<{count}{form}", self._data, start)

    def blob(self, field: int) -> bytes | None:
        """A vector of bytes, or None when absent."""
        found = self._vector(field, 1)
        if found is None:
            return None
        self._spend(found[1], found[0])
        return self._data[found[0] : found[0] + found[1]]

    def text(self, field: int) -> str:
        """A string; empty when absent."""
        try:
            return (self.blob(field) or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._bad(f"a name that is not UTF-8 ({error.reason})", self._at) from None

    def tables(self, field: int, build: Callable[[int, FlatTable], T]) -> tuple[T, ...]:
        """A vector of tables, each given to ``build`` with its index."""
        found = self._vector(field, 4)
        if found is None:
            return ()
        start, count = found
        return tuple(
            build(i, FlatTable(self._data, self._target(start + 4 * i), self._budget))
            for i in range(count)
        )

    def check_vector(self, field: int, item_bytes: int) -> None:
        """Hold a vector to the file without reading it."""
        found = self._vector(field, item_bytes)
        if found is not None:
            self._spend(found[1] * item_bytes, found[0])
