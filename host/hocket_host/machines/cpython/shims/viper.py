# SPDX-License-Identifier: Apache-2.0
"""The casts of MicroPython's viper code: pointers over the machine's memory or over a buffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from .state import current


class _Pointer(Protocol):
    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


class _Address:
    """Elements from an address on."""

    __slots__ = ("_base", "_machine", "_size")

    def __init__(self, base: int, size: int) -> None:
        self._base = base
        self._size = size
        self._machine = current()

    def __getitem__(self, index: int) -> int:
        size = self._size
        value = self._machine.read(self._base + index * size, size)
        # A word is loaded into a signed register of its own size.
        return value - (1 << 32) if size == 4 and value & 0x80000000 else value

    def __setitem__(self, index: int, value: int) -> None:
        size = self._size
        self._machine.write(self._base + index * size, size, value & ((1 << 8 * size) - 1))


class _Words:
    """32-bit elements of a buffer."""

    __slots__ = ("_view",)

    def __init__(self, view: memoryview) -> None:
        self._view = view

    def __getitem__(self, index: int) -> int:
        value: int = self._view[index]
        return value - (1 << 32) if value & 0x80000000 else value

    def __setitem__(self, index: int, value: int) -> None:
        self._view[index] = value & 0xFFFFFFFF


class _Narrow:
    """8-bit or 16-bit elements of a buffer; like a store instruction, it drops upper bits."""

    __slots__ = ("_mask", "_view")

    def __init__(self, view: memoryview, mask: int) -> None:
        self._view = view
        self._mask = mask

    def __getitem__(self, index: int) -> int:
        value: int = self._view[index]
        return value

    def __setitem__(self, index: int, value: int) -> None:
        self._view[index] = value & self._mask


def _cast(
    size: int, code: Literal["B", "H", "I"], wrap: Callable[[memoryview], _Pointer]
) -> Callable[[object], _Pointer]:
    def pointer(target: object) -> _Pointer:
        if isinstance(target, int):
            return _Address(target, size)
        view = memoryview(target)  # type: ignore[arg-type]
        if view.format != code:
            raw = view if view.format == "B" else view.cast("B")
            # A pointer may be made from a buffer of any length; the odd bytes are out of reach.
            view = raw[: len(raw) // size * size].cast(code)
        return wrap(view)

    return pointer


ptr8 = _cast(1, "B", lambda view: _Narrow(view, 0xFF))
ptr16 = _cast(2, "H", lambda view: _Narrow(view, 0xFFFF))
ptr32 = _cast(4, "I", _Words)


def uint(value: int) -> int:
    """Return a register's value as an unsigned integer, of 64 bits where it passes a board's 32."""
    if value >= 0:
        return int(value)
    return int(value) & (0xFFFFFFFF if value >= -(1 << 31) else 0xFFFFFFFF_FFFFFFFF)
