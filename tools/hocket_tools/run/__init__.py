# SPDX-License-Identifier: Apache-2.0
"""A firmware image on an emulated board, on whichever emulator is there, in virtual time."""

from __future__ import annotations

from . import bodies
from .machines import BACK_ENDS, BackEndError, Guest, Machine, create, missing, open_guest, require
from .session import Session, WatchedRun

__all__ = [
    "BACK_ENDS",
    "BackEndError",
    "Guest",
    "Machine",
    "Session",
    "WatchedRun",
    "bodies",
    "create",
    "missing",
    "open_guest",
    "require",
]
