# SPDX-License-Identifier: Apache-2.0
"""A compiled network between its cut points, with the time of every segment it could have."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import (
    STOP_CYCLES,
    fetch_cycles,
    operation_cycles,
    stream_cycles,
    worst_fetch_cycles,
)
from hocket_host.units import NS_PER_S, cycles_to_ns

from ..prove.steps import Cycles
from ..segment import Segment, cut_points, split
from ..segment.network import Compiled
from ..segment.segment import prologue_words


class CompiledNetwork:
    """Times the segments of a compiled network; a `Cuttable`.

    Parameters
    ----------
    compiled
        The network.
    system
        Clock and memories.
    cycles
        With worst-case cycles `length_ns` is exact; nominal ones overlap, so that it estimates.
    """

    def __init__(self, compiled: Compiled, system: SystemConfig, cycles: Cycles) -> None:
        self._compiled = compiled
        self._system = system
        self._cycles = cycles
        self._analysis = compiled.analysis
        operations = self._analysis.operations
        self._nodes = (0, *(p.before for p in cut_points(compiled)), len(operations))
        timing = stream_cycles(operations, compiled.npu, system, worst=cycles == "worst")
        if cycles == "worst":
            each = [t.cycles for t in timing.operations]
        else:
            ends = timing.ends()
            each = [e - b for b, e in zip([timing.startup_cycles, *ends], ends, strict=False)]
        self._sums = list(accumulate(each, initial=0))
        self._prologues: dict[tuple[int, tuple[int, tuple[int, ...]]], tuple[int, int]] = {}
        self._measured: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self._nodes)

    def least_ns(self, first: int, last: int) -> int:
        """Its operations alone."""
        cycles = self._sums[self._nodes[last]] - self._sums[self._nodes[first]]
        return cycles_to_ns(cycles, self._system.clock_hz)

    def length_ns(self, first: int, last: int) -> int:
        """Operations, prologue with its reloads, fetch and stop."""
        begin, end = self._nodes[first], self._nodes[last]
        operations = self._analysis.operations
        prologue, reloads = self._prologue(begin, end)
        # Up to NPU_OP_STOP, one word more.
        words = prologue + operations[end - 1].word + 2 - operations[begin].first_word
        memory = self._system.const
        cycles = self._sums[end] - self._sums[begin] + reloads + STOP_CYCLES
        if self._cycles == "worst":
            cycles += worst_fetch_cycles(words, memory)
        else:
            own = operations[begin].word + 1 - operations[begin].first_word
            cycles += fetch_cycles(own + prologue, memory)
        return cycles_to_ns(cycles, self._system.clock_hz)

    def _prologue(self, begin: int, end: int) -> tuple[int, int]:
        """Words of a segment's prologue, and cycles of the tables that it loads again."""
        key = (begin, self._analysis.inheritance(begin, end)) if begin else (0, (0, ()))
        found = self._prologues.get(key)
        if found is None:
            words, _ = prologue_words(self._analysis, begin, end)
            reloads = 0
            for index in self._analysis.reloads(begin, end) if begin else ():
                one = operation_cycles(
                    self._analysis.operations[index], self._compiled.npu, self._system
                )
                reloads += one.worst if self._cycles == "worst" else one.nominal
            found = self._prologues[key] = (len(words), reloads)
        return found

    def split(self, cuts: tuple[int, ...]) -> list[Segment]:
        """The segments between cuts, given by node."""
        return split(self._compiled, [self._nodes[node] for node in cuts])

    def measure(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        """Exact NPU time of each segment."""
        return tuple(most for most, _ in self._measure(cuts))

    def fastest(self, cuts: tuple[int, ...]) -> tuple[int, ...]:
        """Nominal time of each segment, where it may take the worst."""
        return tuple(least for _, least in self._measure(cuts)) if self._cycles == "worst" else ()

    def _measure(self, cuts: tuple[int, ...]) -> list[tuple[int, int]]:
        ends = (0, *cuts, len(self._nodes) - 1)
        pairs = list(pairwise(ends))
        if any(pair not in self._measured for pair in pairs):
            for pair, segment in zip(pairs, self.split(cuts), strict=True):
                if pair not in self._measured:
                    self._measured[pair] = self._time(segment)
        return [self._measured[pair] for pair in pairs]

    def _time(self, segment: Segment) -> tuple[int, int]:
        """By the figure that counts, and by the nominal one, which is the lesser."""
        arguments = segment.stream.operations, self._compiled.npu, self._system
        hz = self._system.clock_hz
        nominal = stream_cycles(*arguments).total_cycles
        worst = self._cycles == "worst"
        most = stream_cycles(*arguments, worst=True).total_cycles if worst else nominal
        return cycles_to_ns(most, hz), min(nominal, most) * NS_PER_S // hz
