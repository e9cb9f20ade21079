# SPDX-License-Identifier: Apache-2.0
"""Whether an ARM image can be built with what is here, without fetching anything."""

from __future__ import annotations

import os

from hocket_host.missing import Missing

from . import micropython_source, toolchain


def lacking() -> Missing | None:
    """What is missing; None if nothing."""
    missing = toolchain.missing_packages()
    if missing:
        return Missing("no ARM toolchain", f"apt-get install {' '.join(missing)}")
    if not os.environ.get("MICROPYTHON_DIR") and not micropython_source.is_here():
        return Missing("MicroPython's source was not fetched yet", "make firmware")
    return None
