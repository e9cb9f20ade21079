# SPDX-License-Identifier: Apache-2.0
"""Operators of an application's own: Python files that it names, each with both halves in it.

The file registers its host's half with ``hocket_tools.cpu.register`` and its device's half
with ``hocket.ops.register``. On the device the same file is imported by the application's program,
where there is no ``hocket_tools``; so it guards that import.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError
from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import ShimError, current, installed

from ..app.application import Application
from ..cpu import registry

_loaded: dict[Path, tuple[int, dict[str, Any]]] = {}


class OwnOperatorError(HocketError):
    """A file of operators that cannot be loaded."""


def load_operators(application: Application) -> None:
    """Register the operators of an application's files, each file once for as long as it is.

    Raises
    ------
    OwnOperatorError
        A file fails, or registers nothing.
    """
    for file in application.operators:
        path = application.resolve(file)
        changed = path.stat().st_mtime_ns
        if _loaded.get(path, (None,))[0] != changed:
            _loaded[path] = (changed, _run(path))


def _run(path: Path) -> dict[str, Any]:
    before = registry.count()
    try:
        with installed(_machine()):
            found = runpy.run_path(str(path))
    except Exception as error:
        raise OwnOperatorError(
            "a file of operators fails",
            where=path,
            found=f"{type(error).__name__}: {error}",
            expected="a Python file that registers operators",
            try_=f"python {path.name} says where",
        ) from error
    if registry.count() == before:
        raise OwnOperatorError(
            "a file of operators that registers none",
            where=path,
            found="no call of hocket_tools.cpu.register",
            expected="register(MyOperator()) in it",
            try_="see the operators of hocket_tools.cpu",
        )
    return found


def _machine() -> Any:
    """The machine that is there, or one that only remembers: files of the firmware want one."""
    try:
        return current()
    except ShimError:
        return ProcessMemory()
