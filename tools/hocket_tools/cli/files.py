# SPDX-License-Identifier: Apache-2.0
"""Reading the files that a user names."""

from __future__ import annotations

from pathlib import Path

from hocket_host.errors import HocketError


def read_bytes(path: Path, expected: str) -> bytes:
    """Content of a file.

    Raises
    ------
    HocketError
        It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise HocketError(
            "cannot read the file", where=path, found=error.strerror, expected=expected
        ) from error
