# SPDX-License-Identifier: Apache-2.0
"""Ranges of bytes."""

from __future__ import annotations

from collections.abc import Iterable

Range = tuple[int, int]
"""First offset, and the one behind the last."""


def merge(ranges: Iterable[Range], near: int = 0) -> list[Range]:
    """Union of ranges, in order; joined where they touch or leave a gap of at most ``near``."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1] + near:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
