# SPDX-License-Identifier: Apache-2.0
"""A firmware image on an emulated board, on whichever emulator is there, in virtual time."""

from __future__ import annotations

from . import bodies
from .machines import BACK_ENDS, BackEndError, Guest, create, missing, open_guest, require
from .session import Session

__all__ = [
    "BACK_ENDS",
    "BackEndError",
    "Guest",
    "Session",
    "bodies",
    "create",
    "missing",
    "open_guest",
    "require",
]
