# SPDX-License-Identifier: Apache-2.0
"""What is not installed, and how to install it."""

from __future__ import annotations

from typing import NoReturn

from .errors import HocketError


class Missing(str):
    """Something that is not installed; as a text, for people, ``what: how``.

    Parameters
    ----------
    what
        Such as ``no qemu-system-arm on the path``.
    how
        A command that installs it.
    """

    what: str
    how: str

    def __new__(cls, what: str, how: str) -> Missing:
        made = super().__new__(cls, f"{what}: {how}")
        made.what, made.how = what, how
        return made

    def raise_as(self, error: type[HocketError], name: str, instead: str = "") -> NoReturn:
        """Raise an error that says so, and what could be used instead."""
        raise error(
            f"{name} is not installed", found=self.what, expected="it to be installed",
            try_=f"{self.how}; or {instead}" if instead else self.how,
        )  # fmt: skip
