# SPDX-License-Identifier: Apache-2.0
"""The client's memory as far as the NPU touches it, brought here and back for each run.

Writable memory is fetched whenever operations are about to access it: the CPU may have
changed any of it. What lies in read-only windows is fetched once and then compared by digest, so
weights cross the socket again only if somebody loaded other ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from ..ranges import Range
from ..sim.bus import Bus, Window
from . import protocol
from .connection import ClientError, Connection
from .protocol import Kind, ProtocolError, Wanted

#: Shorter ranges are sent rather than compared.
_COMPARED_BYTES = 4096
#: Most bytes in one FETCH or STORE.
_BATCH_BYTES = 4 << 20
_BATCH_RANGES = 4096


class Mirror:
    """Flat memory that follows the client's.

    Parameters
    ----------
    bus
        Memory windows; their flat array is the mirror.
    connection
        To the client.
    """

    def __init__(self, bus: Bus, connection: Connection) -> None:
        self._bytes = bus.memory.data
        self._windows = [w for w in bus.windows if w.device is None]
        self._connection = connection
        self._digests: dict[Range, bytes] = {}
        self.fetched = 0
        """Bytes received from the client so far."""

    def fetch(self, ranges: Iterable[Range]) -> None:
        """Make ranges equal to the client's memory."""
        for batch in _batches(ranges):
            self._fetch(batch)

    def store(self, ranges: Iterable[Range]) -> None:
        """Make the client's memory equal to ranges."""
        for batch in _batches(ranges):
            parts = [(self._address(s), bytes(self._bytes[s[0] : s[1]])) for s in batch]
            self._connection.send(protocol.store(parts))

    def _fetch(self, batch: Sequence[Range]) -> None:
        wanted = [
            Wanted(self._address(s), s[1] - s[0], self._digests.get(s, protocol.NO_DIGEST))
            for s in batch
        ]
        self._connection.send(protocol.fetch(wanted))
        limit = len(batch) + sum(w.size for w in wanted)
        try:
            payload = self._connection.receive(Kind.DATA, limit, owed=True)
            parts = protocol.parse_data(payload, wanted)
        except ProtocolError as error:
            raise ClientError(str(error)) from error
        for span, part in zip(batch, parts, strict=True):
            if part is not None:
                self._bytes[span[0] : span[1]] = part
                self.fetched += len(part)
                self._remember(span, part)

    def _remember(self, span: Range, part: bytes) -> None:
        if self._window(span).writable:
            return
        for other in [o for o in self._digests if o[0] < span[1] and span[0] < o[1]]:
            del self._digests[other]
        if len(part) >= _COMPARED_BYTES:
            self._digests[span] = hashlib.sha256(part).digest()

    def _window(self, span: Range) -> Window:
        return next(w for w in self._windows if w.offset <= span[0] < w.offset + w.size)

    def _address(self, span: Range) -> int:
        window = self._window(span)
        return window.base + span[0] - window.offset


def _batches(ranges: Iterable[Range]) -> Iterable[list[Range]]:
    """Ranges in groups that fit a frame; one that does not fit is divided."""
    batch: list[Range] = []
    size = 0
    for low, high in ranges:
        for start in range(low, high, _BATCH_BYTES):
            part = (start, min(start + _BATCH_BYTES, high))
            length = part[1] - part[0]
            if batch and (size + length > _BATCH_BYTES or len(batch) == _BATCH_RANGES):
                yield batch
                batch, size = [], 0
            batch.append(part)
            size += length
    if batch:
        yield batch
