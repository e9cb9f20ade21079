# SPDX-License-Identifier: Apache-2.0
"""What the emulators of ARM images have in common, and those who watch them."""

from __future__ import annotations

from .jobs import JobWatcher, NpuRun, Watched, WatchedJob

__all__ = ["JobWatcher", "NpuRun", "Watched", "WatchedJob"]
