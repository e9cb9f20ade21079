# SPDX-License-Identifier: Apache-2.0
"""Whether an ARM image can be built with what is here, without fetching anything."""

from __future__ import annotations

import os

from . import source, toolchain


def lacking() -> str | None:
    """What is missing, and how to get it; None if nothing."""
    missing = toolchain.missing_packages()
    if missing:
        return f"no ARM toolchain: apt-get install {' '.join(missing)}"
    if not os.environ.get("MICROPYTHON_DIR") and not source.is_here():
        return "MicroPython's source was not fetched yet: make firmware"
    return None
