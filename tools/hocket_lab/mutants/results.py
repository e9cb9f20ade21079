# SPDX-License-Identifier: Apache-2.0
"""What became of the mutants, as figures and as a list of survivors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .known import Equivalent
from .mutant import Mutant
from .trial import Verdict


@dataclass(frozen=True)
class Result:
    """A mutant and what became of it."""

    mutant: Mutant
    verdict: Verdict
    equivalent: Equivalent | None
    """Why it is one, if it was judged to be."""

    @property
    def killed(self) -> bool:
        """Whether a test noticed."""
        return bool(self.verdict.killer)


def figures(results: Sequence[Result]) -> dict[str, Any]:
    """Counts, and the survivors; those judged equivalent count as not killed."""
    return {
        **_count(results),
        "by_room": _by(results, lambda mutant: mutant.room),
        "by_kind": _by(results, lambda mutant: mutant.kind),
        "survivors": [_survivor(result) for result in results if not result.killed],
    }


def _by(results: Sequence[Result], word: Callable[[Mutant], str]) -> dict[str, Any]:
    words = sorted({word(result.mutant) for result in results})
    return {name: _count([r for r in results if word(r.mutant) == name]) for name in words}


def _count(results: Sequence[Result]) -> dict[str, Any]:
    killed = sum(result.killed for result in results)
    equivalent = sum(not r.killed and r.equivalent is not None for r in results)
    return {
        "killed": killed,
        "total": len(results),
        "ratio": round(killed / len(results), 4) if results else 0.0,
        "equivalent": equivalent,
    }


def _survivor(result: Result) -> dict[str, Any]:
    """One that no test noticed."""
    mutant = result.mutant
    told = {
        "at": f"{mutant.file}:{mutant.line}",
        "room": mutant.room,
        "kind": mutant.kind,
        "before": mutant.before,
        "after": mutant.after,
    }
    return told if result.equivalent is None else {**told, "equivalent": result.equivalent.why}
