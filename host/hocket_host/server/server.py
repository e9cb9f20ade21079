# SPDX-License-Identifier: Apache-2.0
"""Listens on the loopback interface and serves one client at a time."""

from __future__ import annotations

import contextlib
import socket
import threading
import traceback

from ..errors import HocketError
from . import protocol
from .client_session import ClientSession, Log, ServedNpu
from .connection import FRAME_TIMEOUT_S, ClientError, Connection, DisconnectedError

_HOST = "127.0.0.1"
_POLL_S = 0.1


class NpuServerError(HocketError):
    """The server cannot be started as asked."""


class NpuServer:
    """An NPU for whoever connects; a context manager that serves in the background.

    Parameters
    ----------
    platform
        What is served.
    port
        TCP port on 127.0.0.1; 0 for any free one.
    log
        Called with a line for each thing worth telling.
    frame_timeout_s
        Longest silence of a client inside a frame, or where it owes one.
    grace_s
        How long a new client waits for the one before it to go.

    Raises
    ------
    NpuServerError
        The port is taken.
    """

    def __init__(
        self,
        platform: ServedNpu,
        *,
        port: int = protocol.DEFAULT_PORT,
        log: Log = lambda line: None,
        frame_timeout_s: float = FRAME_TIMEOUT_S,
        grace_s: float = 1.0,
    ) -> None:
        self._platform = platform
        self._log = log
        self._frame_timeout_s = frame_timeout_s
        self._grace_s = grace_s
        self._stopping = threading.Event()
        self._client: Connection | None = None
        self._worker: threading.Thread | None = None
        self._background: threading.Thread | None = None
        try:
            self._listener = socket.create_server((_HOST, port))
        except (OSError, OverflowError) as error:
            raise NpuServerError(
                "cannot listen",
                where=f"{_HOST}:{port}",
                found=error,
                expected="a free TCP port",
                try_="stop the other server, or choose another port with --port and tell Renode "
                "by the environment variable HOCKET_NPU_PORT",
            ) from error
        self._listener.settimeout(_POLL_S)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> NpuServer:
        self._background = threading.Thread(target=self.serve, name="npu-server", daemon=True)
        self._background.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving; a connected client is cut off."""
        self._stopping.set()
        if self._background is not None:
            self._background.join()
        self._hang_up()
        self._listener.close()

    def _hang_up(self) -> None:
        worker, client = self._worker, self._client
        if client is not None:
            client.close()
        if worker is not None:
            worker.join()

    def serve(self) -> None:
        """Serve until `close` is called from another thread, or until interrupted."""
        try:
            while not self._stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    sock, _ = self._listener.accept()
                    self._accept(Connection(sock, self._frame_timeout_s))
        finally:
            self._hang_up()

    def _accept(self, connection: Connection) -> None:
        if self._worker is not None:
            # A client that resets closes its connection and makes a new one at once.
            self._worker.join(self._grace_s)
            if self._worker.is_alive():
                self._log("a second client was refused")
                self._refuse(
                    connection,
                    "this NPU server has a client already; start another one with --port",
                )
                return
        self._client = connection
        self._worker = threading.Thread(
            target=self._serve, args=(connection,), name="npu-client", daemon=True
        )
        self._worker.start()

    def _serve(self, connection: Connection) -> None:
        try:
            ClientSession(self._platform, connection, self._log).serve()
        except DisconnectedError as error:
            self._log(str(error))
            connection.close()
        except (HocketError, ClientError) as error:
            self._log(str(error))
            self._refuse(connection, str(error))
        except Exception as error:
            # A defect of the server: this client cannot go on, the next one can.
            self._log(traceback.format_exc())
            self._refuse(connection, f"the server failed: {type(error).__name__}: {error}")

    @staticmethod
    def _refuse(connection: Connection, reason: str) -> None:
        with contextlib.suppress(DisconnectedError):
            connection.send(protocol.refused(reason))
        connection.linger()
        connection.close()
