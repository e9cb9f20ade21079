# SPDX-License-Identifier: Apache-2.0
"""What can go wrong while the NPU runs a plan, and the memory it may touch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hocket_host.errors import HocketError


class NpuBusError(HocketError):
    """An access of the NPU that no memory answers, or a write to read-only memory."""


class WeightStreamError(HocketError):
    """Compressed weights that no Ethos-U would decode, or too few or too many of them."""


@dataclass(frozen=True)
class Extent:
    """Bytes of the flat memory that the NPU may access."""

    start: int
    """Offset of the first byte in the flat memory."""
    size: int
    """Length in bytes."""
    writable: bool

    @property
    def end(self) -> int:
        """Offset after the last byte."""
        return self.start + self.size


def check_access(
    extents: Sequence[Extent], start: int, end: int, write: bool, where: str, limit: int
) -> None:
    """Check that ``[start, end)`` lies in one extent and below ``limit``, the memory's end.

    Raises
    ------
    NpuBusError
        It does not, or it writes where only reads are allowed.
    """
    if start < 0 or end > limit:
        raise NpuBusError(
            "address wraps or lies outside the memory",
            where=where,
            found=f"[{start:#x}, {end:#x})",
            expected=f"within [0x0, {limit:#x})",
        )
    for extent in extents:
        if extent.start <= start and end <= extent.end:
            if write and not extent.writable:
                continue
            return
    allowed = "; ".join(
        f"[{e.start:#x}, {e.end:#x}) {'read/write' if e.writable else 'read'}" for e in extents
    )
    raise NpuBusError(
        f"{'write' if write else 'read'} outside the memory of this stream",
        where=where,
        found=f"[{start:#x}, {end:#x})",
        expected=f"within one of {allowed or 'no extent at all'}",
    )
