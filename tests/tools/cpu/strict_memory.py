# SPDX-License-Identifier: Apache-2.0
"""Viper's pointers that refuse every access outside the buffer they were made from."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Bytes before and after each buffer, which a slice of it could reach.
GUARD = 64
_FILL = 0xC3


class Outside(Exception):  # noqa: N818 - no error of the code under test
    """An access that lies in none of the memory that was given."""


class Enough(Exception):  # noqa: N818 - the run is stopped, and sound so far
    """More accesses than a test has time for."""


class _Budget:
    def __init__(self, accesses: int) -> None:
        self.left = accesses


class _Pointer:
    def __init__(self, view: memoryview, size: int, signed: bool, budget: _Budget) -> None:
        raw = view.cast("B") if view.format != "B" else view
        self._view = raw
        self._size = size
        self._signed = signed
        self._budget = budget

    def _slice(self, index: int) -> slice:
        start = index * self._size
        if start < 0 or start + self._size > len(self._view):
            raise Outside(f"bytes {start} .. {start + self._size} of {len(self._view)}")
        self._budget.left -= 1
        if self._budget.left < 0:
            raise Enough
        return slice(start, start + self._size)

    def __getitem__(self, index: int) -> int:
        return int.from_bytes(self._view[self._slice(index)], "little", signed=self._signed)

    def __setitem__(self, index: int, value: int) -> None:
        mask = (1 << 8 * self._size) - 1
        self._view[self._slice(index)] = (value & mask).to_bytes(self._size, "little")


@contextmanager
def strict_pointers(accesses: int) -> Iterator[None]:
    """Put strict pointers in place of the shims', for so many accesses at most."""
    budget = _Budget(accesses)
    kinds = {"ptr8": (1, False), "ptr16": (2, False), "ptr32": (4, True)}
    before = {name: getattr(builtins, name) for name in kinds}

    def cast(size: int, signed: bool) -> Any:
        return lambda target: (
            target
            if isinstance(target, _Pointer)
            else _Pointer(memoryview(target), size, signed, budget)
        )

    for name, (size, signed) in kinds.items():
        setattr(builtins, name, cast(size, signed))
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(builtins, name, function)


class Guarded:
    """A buffer between guards, as an operator's tensor."""

    def __init__(self, contents: bytes) -> None:
        self._end = GUARD + len(contents)
        self._memory = bytearray([_FILL] * GUARD + list(contents) + [_FILL] * GUARD)
        self.raw = memoryview(self._memory)[GUARD : self._end]

    @property
    def intact(self) -> bool:
        """Whether both guards are as they were."""
        guard = bytes([_FILL]) * GUARD
        return self._memory[:GUARD] == guard and self._memory[self._end :] == guard
