# SPDX-License-Identifier: Apache-2.0
"""One TCP connection, in frames; it never waits for ever for the rest of one."""

from __future__ import annotations

import contextlib
import socket

from .protocol import HEADER, Kind, ProtocolError, parse_header

#: Seconds for a frame to arrive once it has begun, or once it is owed.
FRAME_TIMEOUT_S = 30


class ClientError(Exception):
    """Ends a session, even from inside a run of the NPU.

    No HocketError: the engine takes those for faults of what it runs.
    """


class DisconnectedError(ClientError):
    """The client has gone, or is silent where it owes a frame."""


class Connection:
    """Frames over a connected socket.

    Parameters
    ----------
    sock
        Connected; closed by `close`.
    timeout_s
        Longest silence inside a frame, or where one is owed.
    """

    def __init__(self, sock: socket.socket, timeout_s: float = FRAME_TIMEOUT_S) -> None:
        self._socket = sock
        self._timeout_s = timeout_s
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send whole frames.

        Raises
        ------
        DisconnectedError
            The client has gone or takes nothing.
        """
        try:
            self._socket.settimeout(self._timeout_s)
            self._socket.sendall(data)
        except OSError as error:
            raise DisconnectedError(f"the client takes no more frames: {error}") from error

    def receive(self, kind: Kind, limit: int, *, owed: bool) -> bytes:
        """Payload of the next frame, which must be of a kind.

        Parameters
        ----------
        kind
            What must come.
        limit
            Longest payload acceptable, in bytes.
        owed
            Whether it must come within the timeout; else its first byte may take for ever.

        Raises
        ------
        DisconnectedError
            The client has gone, or is silent too long.
        ProtocolError
            Another kind, or too long.
        """
        head = self._take(1, None if not owed else self._timeout_s)
        head += self._take(HEADER.size - 1, self._timeout_s)
        found, size = parse_header(head, limit)
        if found is not kind:
            raise ProtocolError("frame out of turn", found=found.name, expected=kind.name)
        return self._take(size, self._timeout_s)

    def _take(self, size: int, timeout_s: float | None) -> bytes:
        data = bytearray(size)
        view, at = memoryview(data), 0
        try:
            self._socket.settimeout(timeout_s)
            while at < size:
                count = self._socket.recv_into(view[at:])
                if count == 0:
                    raise DisconnectedError("the client closed the connection")
                at += count
        except TimeoutError as error:
            raise DisconnectedError(
                f"the client is silent: {at} of {size} bytes in {timeout_s} s"
            ) from error
        except OSError as error:
            raise DisconnectedError(f"the connection broke: {error}") from error
        return bytes(data)

    def close(self) -> None:
        """End the connection; who waits in `receive` is woken."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def linger(self) -> None:
        """Read what the client still sends, briefly, so that it sees our last frame.

        Closing with unread bytes would reset the connection and discard that frame.
        """
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
            self._socket.settimeout(0.5)
            for _ in range(64):
                if not self._socket.recv(1 << 16):
                    break
