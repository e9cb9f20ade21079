# SPDX-License-Identifier: Apache-2.0
"""The other process, in which reference interpreters run; its end is an error and no more."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError

_WORKER = Path(__file__).with_name("_worker.py")
#: Far above any inference; only one that never ends reaches it.
_LIMIT_S = 600.0
_CHUNK = 1 << 20
#: Where in its own source an interpreter noticed.
_PATH = re.compile(r"^\S+\.(cc|h|cpp):\d+:? ")
#: How much of what an interpreter printed is looked at.
_SAID = 4096


class OracleError(HocketError):
    """A model that a reference interpreter does not run."""


class EndedError(OracleError):
    """The interpreter's process ended: the model made it crash, or it never came back."""


class ReferenceProcess:
    """A process with models in it. It starts with the first model, and ends with this object."""

    def __init__(self, limit_s: float = _LIMIT_S) -> None:
        self._limit_s = limit_s
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._closed: list[int] = []
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        self._rest = b""
        self._finalizer = weakref.finalize(self, _end, self._child, self._errors)

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._finalizer.alive and self._child.poll() is None

    def close(self) -> None:
        """End it."""
        self._finalizer()

    def open(self, engine: str, model: bytes, **settings: Any) -> int:
        """Give a model to one of the interpreters.

        Returns
        -------
        int
            Its number here.

        Raises
        ------
        OracleError
            The interpreter refuses it, or ends.
        """
        number = next(self._numbers)
        request = {"do": "open", "model": number, "engine": engine, **settings}
        self._asked(engine, "refuses the model", request, [model])
        return number

    def run(self, engine: str, number: int, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Infer once."""
        held = [np.ascontiguousarray(v) for v in inputs]
        # An array without axes would come back with one.
        arrays = [(v.dtype.name, np.shape(given)) for v, given in zip(held, inputs, strict=True)]
        request = {"do": "run", "model": number, "arrays": arrays}
        return self._asked(engine, "fails on the model", request, [v.tobytes() for v in held])

    def tensor(self, engine: str, number: int, index: int) -> NDArray[Any]:
        """A tensor of the main subgraph after the last run."""
        request = {"do": "tensor", "model": number, "index": index}
        return self._asked(engine, "does not hand out a tensor", request, [])[0]

    def forget(self, number: int) -> None:
        """Let a model go, with the next request."""
        self._closed.append(number)

    def _asked(
        self, engine: str, failing: str, request: dict[str, Any], parts: Sequence[bytes]
    ) -> list[NDArray[Any]]:
        with self._lock:
            closed, self._closed = self._closed, []
            said = self._said_until()
            head = {**request, "closed": closed, "sizes": [len(part) for part in parts]}
            try:
                answer, data = self._exchange(head, parts)
            except (OSError, EOFError, ValueError) as error:
                raise self._ended(engine, error, said) from None
            if "error" in answer:
                reason = _reason(self._said_since(said)) or answer["error"]
                raise OracleError(
                    f"{engine} {failing}",
                    found=reason,
                    expected=f"operators and types that {engine} has kernels for",
                    try_="run without --verify",
                )
        return [
            np.frombuffer(bytearray(raw), dtype).reshape(shape)
            for raw, (dtype, shape) in zip(data, answer.get("arrays", ()), strict=True)
        ]

    def _exchange(
        self, head: dict[str, Any], parts: Sequence[bytes]
    ) -> tuple[dict[str, Any], list[bytes]]:
        stdin = self._child.stdin
        if stdin is None or stdin.closed:
            raise EOFError
        for part in (json.dumps(head).encode() + b"\n", *parts):
            view = memoryview(part)
            while view:
                view = view[os.write(stdin.fileno(), view[:_CHUNK]) :]
        end = time.monotonic() + self._limit_s
        while b"\n" not in self._rest:
            self._rest += self._read(end)
        line, _, self._rest = self._rest.partition(b"\n")
        answer = json.loads(line)
        return answer, [self._take(size, end) for size in answer["sizes"]]

    def _take(self, size: int, end: float) -> bytes:
        parts, left = [self._rest[:size]], size - len(self._rest)
        self._rest = self._rest[size:]
        while left > 0:
            part = self._read(end)
            parts.append(part[:left])
            self._rest = part[left:]
            left -= len(part)
        return b"".join(parts)

    def _read(self, end: float) -> bytes:
        stdout = self._child.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(stdout, selectors.EVENT_READ)
            if not waiting.select(max(end - time.monotonic(), 0)):
                self._child.kill()
                raise TimeoutError
        found = os.read(stdout.fileno(), _CHUNK)
        if not found:
            raise EOFError
        return found

    def _ended(self, engine: str, error: Exception, said: int) -> EndedError:
        slow = isinstance(error, TimeoutError)
        if not slow:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(5)
        how = f"no result after {self._limit_s:g} s" if slow else _how(self._child.returncode)
        reason = _reason(self._said_since(said))
        self.close()
        return EndedError(
            f"{engine} {'does not finish' if slow else 'crashes'} on the model",
            found=how + (f": {reason}" if reason else ""),
            expected="an inference with a result",
            try_="run without --verify",
        )

    def _said_until(self) -> int:
        return os.fstat(self._errors.fileno()).st_size if not self._errors.closed else 0

    def _said_since(self, start: int) -> str:
        if self._errors.closed:
            return ""
        end = self._said_until()
        start = max(start, end - _SAID)
        return os.pread(self._errors.fileno(), end - start, start).decode("utf-8", "replace")


_shared: dict[int, ReferenceProcess] = {}
_shared_lock = threading.Lock()


def shared() -> ReferenceProcess:
    """The process that serves whoever needs none of their own; a new one after its end."""
    with _shared_lock:
        # A fork must not talk to its parent's.
        own = _shared.get(os.getpid())
        if own is None or not own.alive:
            own = _shared[os.getpid()] = ReferenceProcess()
        return own


def _end(child: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    child.kill()
    child.wait()
    errors.close()


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    try:
        return f"its process ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process ended by signal {-code}"


def _reason(said: str) -> str:
    """The lines that tell what is wrong, without the paths of the interpreter's own sources."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("INFO", "WARNING", "W0000"))]
    return "; ".join(_PATH.sub("", line.removeprefix("ERROR: ")) for line in told[:2])
