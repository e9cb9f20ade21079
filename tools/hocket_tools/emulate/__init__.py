# SPDX-License-Identifier: Apache-2.0
"""A firmware image on an emulated board, on whichever emulator is there, in virtual time."""

from __future__ import annotations

from .machines import BACK_ENDS, BackEndError, Guest, Machine, create, missing, open_guest, require
from .session import Session, WatchedRun

__all__ = [
    "BACK_ENDS",
    "BackEndError",
    "Guest",
    "Machine",
    "Session",
    "WatchedRun",
    "create",
    "missing",
    "open_guest",
    "require",
]
