# SPDX-License-Identifier: Apache-2.0
"""Platform descriptions that come with Hocket, by name."""

from __future__ import annotations

from pathlib import Path

from .errors import ReplError

_PACKAGE = Path(__file__).resolve().parents[2]
_PLACES = (_PACKAGE / "renode", _PACKAGE.parent.parent / "renode")


def find(name_or_path: str | Path) -> Path:
    """The file of a platform, given by its path or by its name (``corstone300``).

    A name is looked up in the package, or in the repository that it is installed from in place.

    Raises
    ------
    ReplError
        There is neither such a file nor such a platform.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    for place in _PLACES:
        file = place / f"{name_or_path}.repl"
        if file.is_file():
            return file
    known = sorted({f.stem for place in _PLACES for f in place.glob("*.repl")})
    raise ReplError(
        "unknown platform",
        found=repr(str(name_or_path)),
        expected=f"{', '.join(known) or 'no name is known here'}, or the path of a .repl file",
        try_="check the path",
    )
