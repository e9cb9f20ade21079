# SPDX-License-Identifier: Apache-2.0
"""What is not installed, and how to install it."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from .errors import HocketError


class Missing(NamedTuple):
    """Something that is not installed."""

    what: str
    """Such as ``no qemu-system-arm on the path``."""
    how: str
    """A command that installs it."""

    def __str__(self) -> str:
        return f"{self.what}: {self.how}"

    def raise_as(self, error: type[HocketError], name: str, instead: str = "") -> NoReturn:
        """Raise an error that says so, and what could be used instead."""
        raise error(
            f"{name} is not installed", found=self.what, expected="it to be installed",
            try_=f"{self.how}; or {instead}" if instead else self.how,
        )  # fmt: skip
