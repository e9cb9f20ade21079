# SPDX-License-Identifier: Apache-2.0
"""Where one network is cut: the cheapest placement whose segments keep within a length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..prove.steps import CpuRun

_ATTEMPTS = 8


@dataclass(frozen=True)
class Placement:
    """Cuts of one network."""

    cuts: tuple[int, ...]
    """Nodes at which it is cut, in order; without the first and the last node."""
    segments_ns: tuple[int, ...]
    """Longest NPU time of each segment, without dispatch."""
    cpu_runs: tuple[CpuRun, ...] = ()
    """What the CPU does of the network, by the segments that precede it."""
    least_ns: tuple[int, ...] = ()
    """Shortest NPU time of each segment; empty if they always take the same."""

    def cost_ns(self, dispatch_ns: int) -> int:
        """NPU time of a job, dispatches included."""
        return sum(self.segments_ns) + len(self.segments_ns) * dispatch_ns

    @property
    def longest_ns(self) -> int:
        """Its longest segment."""
        return max(self.segments_ns, default=0)


class Cuttable(Protocol):
    """A network between its cut points: node 0 is its start, the last node its end."""

    @property
    def nodes(self) -> int:
        """Number of nodes."""

    def length_ns(self, first: int, last: int) -> int:
        """NPU time of the segment between two nodes, prologue included."""

    def least_ns(self, first: int, last: int) -> int:
        """No more than its length, and growing as the segment grows at either end."""

    def measure(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        """Exact NPU time of each segment; `length_ns` may be an estimate."""

    def fastest(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        """Least that each segment may take; empty if they always take as long."""


class Choices:
    """Placements of one network by the greatest length of a segment, cached."""

    def __init__(self, network: Cuttable, dispatch_ns: int) -> None:
        self._network = network
        self._dispatch = dispatch_ns
        self._known: dict[tuple[int | None, int], tuple[Placement, ...]] = {}

    def within(self, bound_ns: int | None, least_ns: int = 0) -> tuple[Placement, ...]:
        """Placements with segments of at most a length, the cheapest first; empty if none exists.

        Segments shorter than a least length are avoided: their dispatches follow one another so
        closely that they delay the CPU.

        What follows the cheapest costs more and has a longer last segment, during which nothing
        delays a job any more: each is the cheapest with a last segment as long as its own.
        """
        key = (bound_ns, least_ns)
        if key not in self._known:
            self._known[key] = self._place(bound_ns, least_ns)
        return self._known[key]

    @property
    def shortest_ns(self) -> int:
        """Longest segment if it is cut wherever possible: no placement stays below, or barely."""
        return max(self._network.length_ns(i, i + 1) for i in range(self._network.nodes - 1))

    def finest(self) -> Placement:
        """Cut wherever possible."""
        cuts = tuple(range(1, self._network.nodes - 1))
        return self._placement(cuts)

    def _placement(self, cuts: tuple[int, ...]) -> Placement:
        measured = self._network.measure(cuts)
        return Placement(cuts, measured, least_ns=self._network.fastest(cuts))

    def _place(self, bound_ns: int | None, least_ns: int) -> tuple[Placement, ...]:
        if bound_ns is None:
            return (self._placement(()),)
        whole = self._placement(())
        if whole.longest_ns <= bound_ns:
            return (whole,)
        limit = bound_ns
        # Where lengths are estimates, an overlong segment tells by how much to be stricter.
        for _ in range(_ATTEMPTS):
            found = self._cheapest(limit, least_ns)
            over = max((p.longest_ns - bound_ns for p in found), default=0)
            if over <= 0:
                return found
            kept = tuple(p for p in found if p.longest_ns <= bound_ns)
            if kept:
                return kept
            limit -= over
        finest = self.finest()
        return (finest,) if finest.longest_ns <= bound_ns and not least_ns else ()

    def _cheapest(self, limit: int, least: int) -> tuple[Placement, ...]:
        """By dynamic programming over the last cut (Bertogna et al., 2011)."""
        network = self._network
        end = network.nodes - 1
        # Cost and number of cuts of the best way to each node, and the node before it.
        best: list[tuple[int, int, int] | None] = [(0, 0, 0)]
        for node in range(1, end):
            best.append(self._extend(best, node, limit, least))
        options: list[tuple[int, int, int]] = []
        for first in range(end - 1, -1, -1):
            if network.least_ns(first, end) > limit:
                break
            before = best[first]
            length = network.length_ns(first, end)
            if before is not None and least <= length <= limit:
                options.append((before[0] + length, -length, first))
        options.sort()
        found: list[Placement] = []
        longest_last = 0
        for _, negative, first in options:
            if -negative <= longest_last:
                continue
            longest_last = -negative
            cuts = [first]
            while cuts[-1] != 0:
                way = best[cuts[-1]]
                assert way is not None
                cuts.append(way[2])
            chosen = tuple(reversed(cuts[:-1]))
            found.append(self._placement(chosen))
        return tuple(found)

    def _extend(
        self, best: list[tuple[int, int, int] | None], node: int, limit: int, least: int
    ) -> tuple[int, int, int] | None:
        network = self._network
        found: tuple[int, int, int] | None = None
        for first in range(node - 1, -1, -1):
            if network.least_ns(first, node) > limit:
                break
            before = best[first]
            if before is None:
                continue
            length = network.length_ns(first, node)
            if least <= length <= limit:
                way = (before[0] + length + self._dispatch, before[1] + 1, first)
                if found is None or way < found:
                    found = way
        return found


class Fixed(Choices):
    """A network whose cuts the user has chosen."""

    def __init__(self, placement: Placement) -> None:
        self._given = placement

    def within(self, bound_ns: int | None, least_ns: int = 0) -> tuple[Placement, ...]:
        """The one placement, if its segments keep within the length."""
        del least_ns
        fits = bound_ns is None or self._given.longest_ns <= bound_ns
        return (self._given,) if fits else ()

    @property
    def shortest_ns(self) -> int:
        """Its longest segment."""
        return self._given.longest_ns

    def finest(self) -> Placement:
        """The one placement."""
        return self._given
