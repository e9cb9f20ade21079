# SPDX-License-Identifier: Apache-2.0
"""How long work says where it is: a line of text, and how much of it is done."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Called before each step with what comes next, and how many steps of how many are done."""

    def __call__(self, text: str, done: int = 0, total: int | None = None, /) -> None: ...


def silent(text: str, done: int = 0, total: int | None = None, /) -> None:
    """Tell nobody."""
