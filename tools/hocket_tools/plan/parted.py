# SPDX-License-Identifier: Apache-2.0
"""A network whose NPU parts are interrupted by operators on the CPU: each part is cut by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from ..prove.steps import CpuRun
from ..segment import Segment
from .network import CompiledNetwork
from .placement import Choices, Placement

#: Longer than any bound: what no segment can be.
_IMPOSSIBLE_NS = 1 << 62


class PartedNetwork:
    """Parts one after the other; a `Cuttable` that is always cut where the CPU takes over.

    Parameters
    ----------
    parts
        The NPU's parts in order, at least one.
    runs
        What the CPU does, each with the number of *parts* that precede it in ``before``.
    """

    def __init__(self, parts: Sequence[CompiledNetwork], runs: Sequence[CpuRun]) -> None:
        self._parts = tuple(parts)
        self._runs = tuple(runs)
        # A part's last node is the next one's first.
        self._starts = tuple(accumulate((p.nodes - 1 for p in parts), initial=0))

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self._starts[-1] + 1

    def length_ns(self, first: int, last: int) -> int:
        """NPU time of a segment; beyond any bound for one that spans CPU work."""
        at = self._part_of(first)
        start, end = self._starts[at], self._starts[at + 1]
        if last > end:
            return _IMPOSSIBLE_NS
        return self._parts[at].length_ns(first - start, last - start)

    def least_ns(self, first: int, last: int) -> int:
        """Operations alone."""
        return sum(
            part.least_ns(max(first, start) - start, min(last, end) - start)
            for part, (start, end) in zip(self._parts, pairwise(self._starts), strict=True)
            if max(first, start) < min(last, end)
        )

    def measure(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        """NPU time of each segment, parts cut apart whether the cuts say so or not."""
        return tuple(
            length
            for part, own in zip(self._parts, self._own(cuts), strict=True)
            for length in part.measure(own)
        )

    def fastest(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        """Least that each segment may take; empty if they always take as long."""
        return tuple(
            length
            for part, own in zip(self._parts, self._own(cuts), strict=True)
            for length in part.fastest(own)
        )

    def split(self, cuts: tuple[int, ...]) -> list[list[Segment]]:
        """Segments of each part."""
        return [part.split(own) for part, own in zip(self._parts, self._own(cuts), strict=True)]

    def cpu_runs(self, cuts: tuple[int, ...]) -> tuple[CpuRun, ...]:
        """The CPU's work, by the number of segments that precede it with these cuts."""
        before = list(accumulate((len(own) + 1 for own in self._own(cuts)), initial=0))
        return tuple(replace(run, before=before[run.before]) for run in self._runs)

    def _part_of(self, node: int) -> int:
        """The part that begins at a node or has it inside."""
        return max(i for i, start in enumerate(self._starts[:-1]) if start <= node)

    def _own(self, cuts: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Cuts inside each part, by its own nodes."""
        return [
            tuple(cut - start for cut in cuts if start < cut < end)
            for start, end in pairwise(self._starts)
        ]


class PartedChoices(Choices):
    """Placements of a network of both units."""

    def __init__(self, network: PartedNetwork, dispatch_ns: int) -> None:
        super().__init__(network, dispatch_ns)
        self._parted = network

    def _placement(self, cuts: tuple[int, ...]) -> Placement:
        return replace(super()._placement(cuts), cpu_runs=self._parted.cpu_runs(cuts))
