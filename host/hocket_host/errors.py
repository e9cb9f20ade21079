# SPDX-License-Identifier: Apache-2.0
"""The one root of every error that Hocket raises about its input."""

from __future__ import annotations


class HocketError(Exception):
    """A problem with what Hocket was given, with its cause and a fix.

    Parameters
    ----------
    message
        What is wrong, in one sentence.
    found, expected
        What was there and what should have been.
    try_
        One thing to do about it.
    where
        File, key or offset at which it was seen.
    """

    def __init__(
        self,
        message: str,
        *,
        found: object = None,
        expected: object = None,
        try_: str | None = None,
        where: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.found = found
        self.expected = expected
        self.try_ = try_
        self.where = where

    def __str__(self) -> str:
        head = self.message if self.where is None else f"{self.where}: {self.message}"
        lines = [head]
        for name, value in (
            ("found", self.found),
            ("expected", self.expected),
            ("try", self.try_),
        ):
            if value is not None:
                lines.append(f"  {name + ':':<9} {value}")
        return "\n".join(lines)


class UnitError(HocketError):
    """A quantity without a unit, with a wrong one, or out of range."""
