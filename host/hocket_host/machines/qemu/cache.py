# SPDX-License-Identifier: Apache-2.0
"""What is compiled once for each version of source and compiler, and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cached(name: str, suffix: str, sources: bytes, build: Callable[[Path], None]) -> Path:
    """A built file, from the cache if it was built of the same sources before.

    Parameters
    ----------
    name, suffix
        Of the file.
    sources
        All that it depends on.
    build
        Called with the path to write to, if it must be built.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    key = hashlib.sha256(sources).hexdigest()[:16]
    file = Path(base) / "hocket" / "qemu" / f"{name}-{key}{suffix}"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        # Renamed into place, for others may build it at the same time.
        with tempfile.TemporaryDirectory(dir=file.parent) as folder:
            made = Path(folder) / file.name
            build(made)
            shutil.move(made, file)
    return file
