# SPDX-License-Identifier: Apache-2.0
"""Ranges of bytes."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""First offset, and the one behind the last."""


def merge(spans: Iterable[Span], near: int = 0) -> list[Span]:
    """Union of spans, in order; joined where they touch or leave a gap of at most ``near``."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + near:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
