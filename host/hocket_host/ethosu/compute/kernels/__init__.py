# SPDX-License-Identifier: Apache-2.0
"""The NPU's kernels, compiled: one file a kind, integers throughout."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def _discard_stale_cache(folder: Path) -> None:
    """Drop compiled kernels that are older than any kernel's source.

    Numba checks the file of the function that it loads, but not those of the functions compiled
    into it, so an edit would otherwise leave callers in other files as they were.
    """
    with suppress(OSError):
        newest = max(p.stat().st_mtime_ns for p in folder.glob("*.py"))
        for index in (folder / "__pycache__").glob("*.nbi"):
            if index.stat().st_mtime_ns < newest:
                index.unlink(missing_ok=True)


_discard_stale_cache(Path(__file__).parent)
