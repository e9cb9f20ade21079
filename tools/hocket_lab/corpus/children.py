# SPDX-License-Identifier: Apache-2.0
"""Children with limits: whatever a model does to one of them, the table has a line for it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from .judge import Asked, Judge, judge, limit, peak_mb

#: What a child is forked from has read these already.
_PRELOAD = ["hocket_lab.corpus.judge", "hocket_tools.pack.pack", "hocket_tools.run.run"]


def judged(
    models: Iterable[Asked], *, seconds: float, memory_bytes: int, judge: Judge = judge
) -> Iterator[tuple[Asked, dict[str, Any]]]:
    """Each model with what became of it, one child after the other.

    Parameters
    ----------
    models
        What to judge.
    seconds, memory_bytes
        Limits of a child: of its time, and of the memory that it asks for.
    judge
        What a child does.

    Yields
    ------
    tuple
        The model, and its result with ``seconds`` and ``peak_mb``.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    for asked in models:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(theirs, asked, memory_bytes, judge))
        begin = time.monotonic()
        child.start()
        theirs.close()
        try:
            result = _result(ours, seconds)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid or 0, signal.SIGKILL)
            child.join()
            ours.close()
        if result is None:
            result = {"verdict": "crashed", "reason": _ending(child.exitcode)}
        taken = round(time.monotonic() - begin, 2)
        yield asked, {"peak_mb": 0.0, **result, "seconds": taken}


def _child(out: Connection, asked: Asked, memory_bytes: int, judge: Judge) -> None:
    # A group of its own, so that compilers and oracles end with it.
    os.setpgid(0, 0)
    limit(memory_bytes)
    result = judge(asked)
    out.send({**result, "peak_mb": peak_mb()})
    out.close()


def _result(ours: Connection, seconds: float) -> dict[str, Any] | None:
    if not ours.poll(seconds):
        return {"verdict": "crashed", "reason": f"no verdict after {seconds:g} s"}
    try:
        return dict(ours.recv())
    except EOFError:
        return None


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"the process ended by {signal.Signals(-code).name}"
    return f"the process ended with exit code {code}"
