# SPDX-License-Identifier: Apache-2.0
"""How a stage says what it does at the moment."""

from __future__ import annotations

from collections.abc import Callable

#: Called with a line about what is being done.
Progress = Callable[[str], None]


def silent(line: str) -> None:
    """Say nothing."""
