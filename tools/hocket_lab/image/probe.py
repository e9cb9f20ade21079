# SPDX-License-Identifier: Apache-2.0
"""Programs that measure an image: they run on the device, and no container is needed."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent

APPLICATION = (_FOLDER / "device_application.py").read_text(encoding="utf-8")
"""Four tasks of eight segments, as `app`; for scripts that follow it."""
HEAP = APPLICATION + (_FOLDER / "device_heap.py").read_text(encoding="utf-8").replace(
    "from device_application import app, used\n", ""
)
"""Prints what each part of the kernel takes of the heap."""
