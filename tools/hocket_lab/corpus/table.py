# SPDX-License-Identifier: Apache-2.0
"""Verdicts over a corpus: the figures, and whether they are as they should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .judge import Asked

#: ``exact on CPU`` is exact once the layers that Vela rounds in its own way are on the CPU.
VERDICTS = ("exact", "exact on CPU", "refused", "unjudged", "wrong", "crashed")


@dataclass(frozen=True)
class Expected:
    """What should become of a model that the project makes itself."""

    verdict: str
    says: str = ""
    """Part of the reason."""


@dataclass(frozen=True)
class Row:
    """One model and what became of it."""

    asked: Asked
    result: dict[str, Any]
    expected: Expected | None = None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`."""
        return str(self.result["verdict"])

    @property
    def reason(self) -> str:
        """Why it is not exact; empty where it is."""
        return str(self.result.get("reason", ""))

    @property
    def unexpected(self) -> bool:
        """Whether it is other than it should be."""
        if self.expected is None:
            return self.verdict in ("wrong", "crashed")
        return self.verdict != self.expected.verdict or self.expected.says not in self.reason


@dataclass(frozen=True)
class Corpus:
    """All of them."""

    rows: tuple[Row, ...]

    @property
    def unexpected(self) -> tuple[Row, ...]:
        """Those that are other than they should be."""
        return tuple(row for row in self.rows if row.unexpected)

    def figures(self) -> dict[str, int | float]:
        """Counts by verdict, the slowest model and the largest memory."""
        counts = {v.replace(" ", "_"): sum(row.verdict == v for row in self.rows) for v in VERDICTS}
        return {
            "models": len(self.rows),
            **counts,
            "slowest_s": max((row.result["seconds"] for row in self.rows), default=0.0),
            "peak_mb": max((row.result["peak_mb"] for row in self.rows), default=0.0),
        }

    def as_dict(self) -> dict[str, Any]:
        """Figures and rows as plain values."""
        rows = [
            {"model": row.asked.name, "signature": row.asked.signature, **row.result}
            for row in self.rows
        ]
        return {**self.figures(), "verdicts": rows}
