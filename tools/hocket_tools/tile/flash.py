# SPDX-License-Identifier: Apache-2.0
"""Read-only data with new weights in it: first where old ones are no longer read, then behind."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..segment.dataflow import ByteRange
from .weights import ALIGNMENT


class Flash:
    """The flash region, open for additions; nothing that is read moves.

    Parameters
    ----------
    contents
        What it holds.
    region
        Its index.
    kept
        What is still read.
    dropped
        What was read and is replaced: where nothing else reads it, it may be overwritten.
    """

    def __init__(
        self,
        contents: bytes,
        region: int,
        kept: Iterable[ByteRange],
        dropped: Iterable[ByteRange],
    ) -> None:
        self._data = bytearray(contents)
        free = np.zeros(len(contents), np.bool_)
        for ranges, value in ((dropped, True), (kept, False)):
            for r in ranges:
                if r.region == region:
                    free[r.start : r.end] = value
        edges = np.flatnonzero(np.diff(free, prepend=False, append=False)).tolist()
        self._free = [
            (-(-a // ALIGNMENT) * ALIGNMENT, b // ALIGNMENT * ALIGNMENT)
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        self._placed: dict[bytes, int] = {}

    @property
    def contents(self) -> bytes:
        """Everything, additions included."""
        return bytes(self._data)

    def add(self, data: bytes) -> int:
        """Place some bytes at a multiple of `ALIGNMENT` and return where; the same bytes once."""
        known = self._placed.get(data)
        if known is not None:
            return known
        size = -(-len(data) // ALIGNMENT) * ALIGNMENT
        for index, (start, end) in enumerate(self._free):
            if end - start >= size:
                self._free[index] = (start + size, end)
                break
        else:
            self._data += bytes(-len(self._data) % ALIGNMENT)
            start = len(self._data)
            self._data += bytes(size)
        self._data[start : start + len(data)] = data
        self._placed[data] = start
        return start
