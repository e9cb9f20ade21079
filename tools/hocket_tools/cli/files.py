# SPDX-License-Identifier: Apache-2.0
"""The files that a user names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hocket_host.errors import HocketError

if TYPE_CHECKING:
    from ..pack.packed import Packed


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


def open_source(source: Path) -> Packed:
    """A container, or an application file that is packed in memory.

    Raises
    ------
    HocketError
        It is neither, or what it names is not there.
    """
    from ..app.application import load
    from ..pack.pack import pack
    from ..pack.packed import open_packed

    if source.suffix == ".toml":
        return pack(load(source))
    return open_packed(source, read_bytes(source, "a container, or an application file"))
