# SPDX-License-Identifier: Apache-2.0
"""The address space: memory windows over one flat array, and memory-mapped devices.

Every memory window is a slice of one ``uint8`` array, so that the NPU model works on plain offsets.
Slices are kept apart by guard bytes that belong to no window.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import HocketError

_GUARD = 4096
_ADDRESS_END = 1 << 40


class BusFault(HocketError):  # noqa: N818 - what CPUs call it
    """An access that no memory or device answers; ``address`` says where."""

    def __init__(self, message: str, address: int, found: str, expected: str, try_: str) -> None:
        super().__init__(
            message, where=f"address {address:#010x}", found=found, expected=expected, try_=try_
        )
        self.address = address


class BusMapError(HocketError):
    """A memory map that contradicts itself."""


class Device(Protocol):
    """What a memory-mapped device answers; offsets are bytes from its base."""

    def read(self, offset: int, size: int) -> int:
        """Value of ``size`` bytes (1, 2 or 4), unsigned."""
        ...

    def write(self, offset: int, size: int, value: int) -> None:
        """Store ``size`` bytes (1, 2 or 4), unsigned."""
        ...


@dataclass(frozen=True)
class Memory:
    """A memory of the map: its place in the address space."""

    name: str
    base: int
    size: int
    writable: bool = True
    """Whether the bus may write it; the host loads it all the same (`Bus.load`)."""


@dataclass(frozen=True)
class Window:
    """One range of the address space: memory (``offset`` in the flat array) or a device."""

    name: str
    base: int
    size: int
    writable: bool
    offset: int
    device: Device | None
    end: int = field(init=False)
    """First address after it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", self.base + self.size)


class Bus:
    """An address space of 40 bits.

    Parameters
    ----------
    memories
        Memory windows; their slices of `memory` are laid out in this order.

    Raises
    ------
    BusMapError
        Two windows overlap, or one is empty, misaligned or beyond the address space.
    """

    def __init__(self, memories: Sequence[Memory]) -> None:
        self._windows: list[Window] = []
        self._bases: list[int] = []
        self._last: Window | None = None
        offset = _GUARD
        for m in memories:
            self._insert(Window(m.name, m.base, m.size, m.writable, offset, None))
            offset += -(-m.size // _GUARD) * _GUARD + _GUARD
        self.memory: NDArray[np.uint8] = np.zeros(offset, dtype=np.uint8)
        """The flat backing array of every memory window, dtype uint8."""
        self._bytes = self.memory.data

    def move_to(self, memory: NDArray[np.uint8]) -> None:
        """Use another array of the same size from now on, such as one shared between processes."""
        memory[:] = self.memory
        self.memory = memory
        self._bytes = memory.data

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows in address order."""
        return tuple(self._windows)

    def _insert(self, window: Window) -> None:
        where = f"window {window.name}"
        if window.size <= 0 or window.base < 0 or window.end > _ADDRESS_END:
            raise BusMapError(
                "window is empty or beyond the address space",
                where=where,
                found=f"{window.size} bytes at {window.base:#x}",
                expected="at least one byte below 1 TiB",
            )
        if window.base % 16:
            raise BusMapError(
                "window base is not aligned",
                where=where,
                found=f"{window.base:#x}",
                expected="a multiple of 16, as the NPU's base pointers are",
            )
        at = bisect_right(self._bases, window.base)
        for other in self._windows[max(at - 1, 0) : at + 1]:
            if other.base < window.end and window.base < other.end:
                raise BusMapError(
                    "windows overlap",
                    where=where,
                    found=f"{window.base:#x}..{window.end - 1:#x}",
                    expected=f"nothing inside {other.name}, {other.base:#x}..{other.end - 1:#x}",
                    try_="change the base or size of one of them in the board description",
                )
        self._bases.insert(at, window.base)
        self._windows.insert(at, window)

    def add_device(self, name: str, base: int, size: int, device: Device) -> None:
        """Map a device."""
        self._insert(Window(name, base, size, True, 0, device))

    def add_alias(self, name: str, base: int) -> bool:
        """Map the window ``name`` a second time; False when something is there already."""
        original = next(w for w in self._windows if w.name == name)
        window = Window(
            f"{name} (alias)", base, original.size, original.writable, original.offset,
            original.device,
        )  # fmt: skip
        try:
            self._insert(window)
        except BusMapError:
            return False
        return True

    def find(self, address: int) -> Window | None:
        """The window that holds an address, if any does."""
        last = self._last
        # Software stays with one device or memory for many accesses in a row.
        if last is not None and last.base <= address < last.end:
            return last
        at = bisect_right(self._bases, address) - 1
        if at < 0 or address >= self._windows[at].end:
            return None
        self._last = self._windows[at]
        return self._last

    def window(self, address: int, length: int = 1) -> Window:
        """The window that holds ``length`` bytes at an address.

        Raises
        ------
        BusFault
            None does, or the range runs over its end.
        """
        window = self.find(address)
        if window is None:
            raise BusFault(
                "nothing is mapped here",
                address,
                f"an access of {length} bytes",
                ", ".join(f"{w.name} {w.base:#x}..{w.end - 1:#x}" for w in self._windows),
                "compare the address with the board's memory map",
            )
        if length < 0 or address + length > window.end:
            raise BusFault(
                f"access runs over the end of {window.name}",
                address,
                f"{length} bytes",
                f"at most {window.end - address} bytes",
                "use a smaller length, or a larger window in the board description",
            )
        return window

    def offset_of(self, address: int, length: int = 1) -> int:
        """Offset in `memory` of ``length`` bytes of plain memory at an address.

        Raises
        ------
        BusFault
            The range is not inside one memory window.
        """
        window = self.window(address, length)
        if window.device is not None:
            raise BusFault(
                f"{window.name} is a device, not memory",
                address,
                f"an access of {length} bytes",
                "an address in plain memory",
                "read and write devices by their registers",
            )
        return window.offset + address - window.base

    def _target(self, address: int, size: int) -> Window:
        if size not in (1, 2, 4) or address % size:
            raise BusFault(
                "access is not aligned to its size",
                address,
                f"{size} bytes",
                "1, 2 or 4 bytes at a multiple of as many",
                "align the address",
            )
        return self.window(address, size)

    def read(self, address: int, size: int) -> int:
        """Read 1, 2 or 4 bytes, little-endian and unsigned.

        Raises
        ------
        BusFault
            Unmapped or unaligned.
        """
        window = self._target(address, size)
        at = address - window.base
        if window.device is not None:
            return window.device.read(at, size) & (1 << 8 * size) - 1
        at += window.offset
        return int.from_bytes(self._bytes[at : at + size], "little")

    def write(self, address: int, size: int, value: int) -> None:
        """Write 1, 2 or 4 bytes, little-endian; higher bits of ``value`` are dropped.

        Raises
        ------
        BusFault
            Unmapped, unaligned or read-only.
        """
        window = self._target(address, size)
        value &= (1 << 8 * size) - 1
        at = address - window.base
        if window.device is not None:
            window.device.write(at, size, value)
            return
        if not window.writable:
            raise BusFault(
                f"{window.name} is read-only",
                address,
                f"a write of {size} bytes",
                "a write to writable memory",
                "write to the arena or another RAM window",
            )
        at += window.offset
        self._bytes[at : at + size] = value.to_bytes(size, "little")

    def view(self, address: int, length: int) -> memoryview:
        """Plain memory in place, of format ``B``; read-only where the window is.

        Raises
        ------
        BusFault
            The range is not inside one memory window.
        """
        at = self.offset_of(address, length)
        view = self._bytes[at : at + length]
        return view if self.window(address).writable else view.toreadonly()

    def load(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Put an image into memory from the host's side, read-only windows included.

        Raises
        ------
        BusFault
            The image is not inside one memory window.
        """
        at = self.offset_of(address, len(data))
        self._bytes[at : at + len(data)] = data
