# SPDX-License-Identifier: Apache-2.0
"""One utilisation of the experiment, with the verdicts of its sets."""

from __future__ import annotations

from dataclasses import dataclass

from .judge import Method, Verdict


@dataclass(frozen=True)
class Point:
    """Verdicts of all sets at one utilisation."""

    utilisation: float
    verdicts: tuple[Verdict, ...]

    def ratio(self, method: Method) -> float:
        """Share of sets that a method accepts."""
        return sum(method in v.accepted for v in self.verdicts) / len(self.verdicts)
