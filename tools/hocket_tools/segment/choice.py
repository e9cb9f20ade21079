# SPDX-License-Identifier: Apache-2.0
"""Chooses the fewest cuts that keep every segment within a length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from .network import Compiled, SplitError
from .segment import CutPoint, Prologue, cut_points, prologue_words

#: Cycles to fetch from flash at a byte a cycle, beyond the bytes themselves (read latency).
_FETCH_LATENCY = 64


@dataclass(frozen=True)
class Oversize:
    """A segment longer than the bound that no cut point could shorten."""

    first: int
    last: int
    cycles: int


@dataclass(frozen=True)
class ChosenCuts:
    """Cuts that were chosen; iterates over them."""

    cuts: tuple[CutPoint, ...]
    oversize: tuple[Oversize, ...]

    def __iter__(self) -> Iterator[CutPoint]:
        return iter(self.cuts)

    def __len__(self) -> int:
        return len(self.cuts)


def flash_prologue_cycles(prologue: Prologue) -> int:
    """Cycles that a prologue costs when stream and tables come from flash at a byte a cycle."""
    if not prologue.words:
        return 0
    tables = prologue.lut_bytes + _FETCH_LATENCY if prologue.lut_bytes else 0
    return prologue.bytes + _FETCH_LATENCY + tables


def choose(
    network: Compiled,
    mode: str | int,
    cycles: Callable[[int], int] | None = None,
    *,
    prologue_cycles: Callable[[Prologue], int] = flash_prologue_cycles,
) -> ChosenCuts:
    """Choose cuts.

    Parameters
    ----------
    network
        A compiled network, or a `Stream`.
    mode
        "all", "none", or the greatest length of a segment in NPU cycles.
    cycles
        NPU cycles of an operation by its index, at least 0; needed for a length.
    prologue_cycles
        NPU cycles that a prologue adds.

    Returns
    -------
    ChosenCuts
        For a length: as few segments over it as the cut points allow, among those choices the
        fewest cuts, and among those the fewest live bytes at the cuts, summed. The optimum, by
        dynamic programming: the prologue depends on where a segment begins, so that taking the
        longest segment each time is not always best.

    Raises
    ------
    SplitError
        Another mode, or a length without ``cycles``.
    """
    if mode == "none":
        return ChosenCuts((), ())
    points = cut_points(network)
    if mode == "all":
        return ChosenCuts(tuple(points), ())
    if isinstance(mode, bool) or not isinstance(mode, int) or mode <= 0 or cycles is None:
        raise SplitError(
            "no way to choose cuts",
            found=repr(mode) if cycles is not None else f"{mode!r} without cycles",
            expected='"all", "none", or a positive number of NPU cycles, with cycles of operations',
        )
    return _within(network, points, mode, cycles, prologue_cycles)


def _within(
    network: Compiled,
    points: Sequence[CutPoint],
    bound: int,
    cycles: Callable[[int], int],
    prologue_cycles: Callable[[Prologue], int],
) -> ChosenCuts:
    analysis = network.analysis
    nodes = [0, *(p.before for p in points), len(analysis.operations)]
    sums = list(accumulate((cycles(i) for i in range(nodes[-1])), initial=0))

    known: dict[tuple[int, tuple[int, tuple[int, ...]]], int] = {}

    def length(i: int, j: int) -> int:
        first, last = nodes[i], nodes[j]
        key = (first, analysis.inheritance(first, last))
        extra = known.get(key)
        if extra is None:
            extra = known[key] = prologue_cycles(prologue_words(analysis, first, last)[1])
        return sums[last] - sums[first] + extra

    ends = _fewest(bound, sums, nodes, [p.live_bytes for p in points], length)
    chosen = []
    oversize = []
    for i, j in pairwise([0, *ends]):
        took = length(i, j)
        if took > bound:
            oversize.append(Oversize(nodes[i], nodes[j], took))
        if j <= len(points):
            chosen.append(points[j - 1])
    return ChosenCuts(tuple(chosen), tuple(oversize))


def _fewest(
    bound: int,
    sums: Sequence[int],
    nodes: Sequence[int],
    live: Sequence[int],
    length: Callable[[int, int], int],
) -> list[int]:
    """Nodes at which the segments of the best choice end, by dynamic programming from the last."""
    # best[i]: (segments over the bound, cuts, live bytes) from node i on, and the next node.
    end = len(nodes) - 1
    best: list[tuple[tuple[int, int, int], int]] = [((0, 0, 0), end)] * len(nodes)
    for i in range(end - 1, -1, -1):
        options = []
        for j in range(i + 1, end + 1):
            if j > i + 1 and sums[nodes[j]] - sums[nodes[i]] > bound:
                break
            over = length(i, j) > bound
            if over and j > i + 1:
                break
            (late, cuts, held), _ = best[j]
            cut = j != end
            at_cut = live[j - 1] if cut else 0
            options.append(((late + over, cuts + cut, held + at_cut), j))
        best[i] = min(options)
    ends = [best[0][1]]
    while ends[-1] != end:
        ends.append(best[ends[-1]][1])
    return ends
