# SPDX-License-Identifier: Apache-2.0
"""A copy of the checkout in which sources may be broken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path

#: What tests read.
_PARTS = ("firmware", "host", "tools", "tests", "renode", "pyproject.toml")
#: Where `import` looks, in a checkout.
IMPORTED = ("firmware", "host", "tools")


def copy(root: Path, to: Path) -> None:
    """Bring a copy up to date; what tests cached in it stays, as they compile much."""
    for part in _PARTS:
        _copy(root / part, to / part)


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        to.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in source.iterdir()} | {"__pycache__"}
        for entry in to.iterdir():
            if entry.name not in names:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        for name in sorted(names - {"__pycache__"}):
            _copy(source / name, to / name)
        return
    if not to.is_file() or to.read_bytes() != source.read_bytes():
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, to)


@contextmanager
def broken(file: Path, text: str) -> Iterator[None]:
    """A file of the copy with another text, of which nothing stays behind.

    Two texts may have one length and have been written within one second, which is all that the
    interpreter compares.
    """
    before, times = file.read_bytes(), file.stat()
    compiled = Path(cache_from_source(str(file)))
    compiled.unlink(missing_ok=True)
    try:
        file.write_text(text, encoding="utf-8")
        yield
    finally:
        file.write_bytes(before)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        compiled.unlink(missing_ok=True)
