# SPDX-License-Identifier: Apache-2.0
"""Quantities on the command line."""

from __future__ import annotations

from hocket_host.units import parse_duration


def virtual_time(text: str) -> int:
    """Nanoseconds of a time such as ``200 ms``; a bare number is seconds.

    Raises
    ------
    UnitError
        It is neither.
    """
    return parse_duration(f"{text} s" if text[-1:].isdigit() else text)
