# SPDX-License-Identifier: Apache-2.0
"""Comparisons of one operator, some of them or all."""

from __future__ import annotations

import zlib

from hocket_lab.cpu.cases import CASES, Comparison, Refused, compare
from hocket_tools.cpu import kinds


def of_kind(kind: str, most: int | None) -> list[Comparison]:
    cases = sorted(
        (c for c in CASES.values() if c.op == kind), key=lambda c: zlib.crc32(c.id.encode())
    )
    found: list[Comparison] = []
    taken = 0
    for case in cases:
        ways = compare(case)
        if isinstance(ways, Refused):
            continue
        found += ways
        taken += 1
        if taken == most:
            break
    return found


def mismatches(results: list[dict[str, object]]) -> list[object]:
    return [r for r in results if r["mismatches"]]


def some_rounds(comparison: Comparison) -> dict[str, object]:
    """A job of a few inferences; one with a state begins at its beginning."""
    rounds = comparison.job["rounds"]
    return {**comparison.job, "rounds": rounds[:6] if comparison.packed.state else rounds[4:6]}


CASE_KINDS = sorted({c.op for c in CASES.values()} & set(kinds()))
