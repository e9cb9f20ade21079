# SPDX-License-Identifier: Apache-2.0
"""Board descriptions of the firmware, for the host to read."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from .state import ShimError

_PACKAGE = Path(__file__).resolve().parent.parent
# Installed with the package, and beside it in a checkout.
_PLACES = (_PACKAGE / "boards", _PACKAGE.parent.parent / "firmware" / "boards")


def load_board(name: str) -> ModuleType:
    """Return the constants of a board as a module.

    Parameters
    ----------
    name
        Folder of the board, such as ``"corstone300"``.

    Raises
    ------
    ShimError
        If there is no such board.
    """
    boards = {file.parent.name: file for place in _PLACES for file in place.glob("*/board.py")}
    spec = (
        importlib.util.spec_from_file_location(f"_hocket_board_{name}", boards[name])
        if name in boards
        else None
    )
    if spec is None or spec.loader is None:
        raise ShimError("unknown board", found=name, expected=" or ".join(sorted(boards)))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
