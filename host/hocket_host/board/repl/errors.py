# SPDX-License-Identifier: Apache-2.0
"""Where something stands in a platform description, and the error that says so."""

from __future__ import annotations

from dataclasses import dataclass

from hocket_host.errors import HocketError


@dataclass(frozen=True)
class Place:
    """A position in a file; line and column from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class ReplError(HocketError):
    """A platform description that cannot be read, or that says what Hocket cannot emulate."""
