# SPDX-License-Identifier: Apache-2.0
"""As much of GDB's remote protocol as stops QEMU at one address and lets it go on.

Source: *Debugging with GDB*, appendix E.
"""

from __future__ import annotations

import contextlib
import socket

from .errors import QemuError


class Debugger:
    """A connection to QEMU's stub, whose machine waits for it.

    Parameters
    ----------
    path
        The stub's Unix socket.
    timeout_s
        Longest wait for an answer.
    """

    def __init__(self, path: str, timeout_s: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        self._buffer = b""
        self._socket.connect(path)

    def close(self) -> None:
        """Let go of the stub."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def stop_at(self, address: int) -> None:
        """Set a breakpoint on a Thumb instruction."""
        self._send(f"Z1,{address:x},2")
        answer = self._receive()
        if answer != "OK":
            raise QemuError(
                "QEMU's debugger refuses a breakpoint", found=repr(answer), expected="OK",
                try_="use QEMU 7.2 or later",
            )  # fmt: skip

    def go(self, address: int | None = None) -> None:
        """Let the machine run, from an address if one is given."""
        self._send("c" if address is None else f"c{address:x}")

    def wait(self) -> None:
        """Until the machine stands at the breakpoint.

        Raises
        ------
        QemuError
            It stopped for another reason.
        """
        answer = self._receive()
        if not answer.startswith("T05"):
            raise QemuError(
                "QEMU stopped for an unforeseen reason", found=repr(answer),
                expected="the breakpoint of the shim", try_="report this with the image",
            )  # fmt: skip

    def _send(self, text: str) -> None:
        data = text.encode()
        self._socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def _receive(self) -> str:
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start + 1)
            if start >= 0 and 0 <= end <= len(self._buffer) - 3:
                packet = self._buffer[start + 1 : end]
                self._buffer = self._buffer[end + 3 :]
                self._socket.sendall(b"+")
                return packet.decode("latin-1")
            try:
                data = self._socket.recv(4096)
            except TimeoutError:
                data = b""
            if not data:
                raise QemuError(
                    "QEMU's debugger does not answer", found=repr(self._buffer),
                    expected="a packet", try_="run again; report it if it comes back",
                )  # fmt: skip
            self._buffer += data
