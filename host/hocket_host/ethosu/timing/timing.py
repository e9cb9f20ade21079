# SPDX-License-Identifier: Apache-2.0
"""How long a command stream takes: cycles of each operation, and when each starts and ends.

Kernels run one after another; so do DMAs; the two overlap as far as the stream's own DMA_WAIT and
KERNEL_WAIT commands and the depth of the NPU's queues allow. Commands are fetched and parsed ahead
of the operations, at the bandwidth of the memory that holds the stream. `kernel_cycles` and
`dma_cycles` follow Vela's estimator; Vela has no figure for parsing, and calls its own "just an
estimate": nothing here was measured on silicon.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..config import NpuConfig
from ..stream.isa import Cmd
from ..stream.operation import Operation
from .system_config import MemoryTiming, SystemConfig
from .timing_kernel import Bound, OperationCycles, kernel_cycles
from .timing_pipeline import Pipeline

__all__ = [
    "Bound",
    "OperationCycles",
    "OperationTiming",
    "StreamTiming",
    "dma_cycles",
    "fetch_cycles",
    "kernel_cycles",
    "operation_cycles",
    "stream_cycles",
    "worst_fetch_cycles",
]

MAX_OUTSTANDING_KERNELS = 2
"""Kernels issued and not finished: the parser stops at the next one (Vela's figure)."""
MAX_OUTSTANDING_DMAS = {0: 1, 1: 2}
"""The same for DMAs, by product: Ethos-U55, Ethos-U65 (Vela's figures)."""
PARSE_CYCLES_PER_WORD = 1
"""The parser takes a word a cycle at best. An assumption; fetching is the slower of the two."""
STOP_CYCLES = 32
"""From the last operation's end to the interrupt: an assumption, about one SRAM write latency."""
_SHRAM = MemoryTiming("shram", Fraction(1), 1, 0, 0, 1000, 1000)
"""Internal memory as a DMA's destination, with Vela's parameters: a byte a cycle, no latency."""

# What a kernel's duration depends on. Addresses, zero points, clipping and buffer placement do not
# matter, so recurrent and striped networks repeat the same few kernels.
_RELEVANT = tuple(
    int(Cmd[name])
    for name in (
        "IFM_PAD_TOP", "IFM_PAD_LEFT", "IFM_PAD_RIGHT", "IFM_PAD_BOTTOM", "IFM_DEPTH_M1",
        "IFM_PRECISION", "IFM_UPSCALE", "IFM_REGION", "IFM_STRIDE_X",
        "OFM_WIDTH_M1", "OFM_HEIGHT_M1", "OFM_DEPTH_M1", "OFM_PRECISION", "OFM_BLK_WIDTH_M1",
        "OFM_BLK_HEIGHT_M1", "OFM_BLK_DEPTH_M1", "OFM_REGION", "OFM_STRIDE_X",
        "KERNEL_WIDTH_M1", "KERNEL_HEIGHT_M1", "KERNEL_STRIDE", "ACC_FORMAT", "ACTIVATION",
        "WEIGHT_REGION", "WEIGHT_LENGTH", "SCALE_REGION", "SCALE_LENGTH",
        "IFM2_BROADCAST", "IFM2_PRECISION", "IFM2_REGION", "IFM2_STRIDE_X",
    )
)  # fmt: skip


@dataclass(frozen=True)
class OperationTiming:
    """One operation on the time axis of its stream."""

    cycles: int
    """Its own duration; less than alone where the pipeline is still filled by its first slice."""
    start: int
    end: int
    bound: Bound


@dataclass(frozen=True)
class StreamTiming:
    """A stream's time axis, in NPU cycles from the start of its first fetch."""

    operations: tuple[OperationTiming, ...]
    total_cycles: int
    """Until the interrupt of NPU_OP_STOP."""
    kernel_cycles: int
    """Sum over kernels."""
    dma_cycles: int
    """Sum over DMAs, hidden or not."""
    fetch_cycles: int
    """Time to fetch all words, hidden or not."""
    startup_cycles: int
    """Until the first operation starts: fetch and parse of the words before it."""
    worst: bool

    def ends(self) -> list[int]:
        """Cycle at which each operation and all before it have ended."""
        ends, latest = [], 0
        for timing in self.operations:
            latest = max(latest, timing.end)
            ends.append(latest)
        return ends


def dma_cycles(op: Operation, system: SystemConfig) -> OperationCycles:
    """Duration of a DMA: its slower side, latency included."""
    d = op.dma()
    source = _SHRAM if d.source_internal else system.region(d.source.region)
    target = _SHRAM if d.destination_internal else system.region(d.destination.region)
    size = d.source.length
    nominal = max(
        source.transfer_cycles(size) + source.read_latency,
        target.transfer_cycles(size) + target.write_latency,
    )
    worst = source.worst_cycles(size, write=False) + target.worst_cycles(size, write=True)
    return OperationCycles(nominal, max(nominal, worst), Bound.DMA, 0, nominal, 0, 0)


def fetch_cycles(words: int, memory: MemoryTiming) -> int:
    """Cycles until ``words`` of commands are fetched from ``memory`` and parsed, nominally.

    One read latency, then the data: 230 bytes take about 64 + 230 cycles from a flash of one byte
    a cycle, about 60 from an SRAM of eight.
    """
    if words <= 0:
        return 0
    bandwidth = memory.bandwidth
    data = -(-4 * words * bandwidth.denominator // bandwidth.numerator)
    return memory.read_latency + max(data, words * PARSE_CYCLES_PER_WORD)


def worst_fetch_cycles(words: int, memory: MemoryTiming) -> int:
    """The same with one burst in flight at a time, parsing after fetching."""
    if words <= 0:
        return 0
    bandwidth = memory.bandwidth
    size = 4 * words
    data = -(-size * bandwidth.denominator // bandwidth.numerator)
    bursts = -(-size // memory.burst_bytes)
    return bursts * memory.read_latency + data + words * PARSE_CYCLES_PER_WORD


class _Estimator:
    """Operation cycles under one configuration and system, remembered by what they depend on."""

    def __init__(self, config: NpuConfig, system: SystemConfig) -> None:
        self.config = config
        self.system = system
        self._known: dict[tuple[int | None, ...], OperationCycles] = {}

    def cycles(self, op: Operation) -> OperationCycles:
        if op.is_dma:
            return dma_cycles(op, self.system)
        get = op.registers.get
        key = (op.key, op.param, *map(get, _RELEVANT))
        found = self._known.get(key)
        if found is None:
            if len(self._known) > 1 << 16:
                self._known.clear()
            found = self._known[key] = kernel_cycles(op, self.config, self.system)
        return found


@lru_cache(maxsize=32)
def _estimator(config: NpuConfig, system: SystemConfig) -> _Estimator:
    return _Estimator(config, system)


def operation_cycles(op: Operation, config: NpuConfig, system: SystemConfig) -> OperationCycles:
    """Duration of one kernel or DMA that runs alone; remembered.

    Raises
    ------
    CommandStreamError
        A register that it reads was never set.
    """
    return _estimator(config, system).cycles(op)


def _wait(queue: deque[int], limit: int, now: int) -> int:
    """Time at which no more than ``limit`` of the queued operations are still running."""
    while len(queue) > limit:
        now = max(now, queue.popleft())
    return now


def stream_cycles(
    operations: Sequence[Operation],
    config: NpuConfig,
    system: SystemConfig,
    *,
    prologue_words: int = 0,
    worst: bool = False,
    commands: MemoryTiming | None = None,
) -> StreamTiming:
    """Time axis of the operations of a stream, or of a run of them.

    Parameters
    ----------
    operations
        In stream order; a run that starts inside a stream is timed as a stream of its own, from the
        first word of its first operation.
    config, system
        Accelerator, and clock and memories.
    prologue_words
        Words that precede them (register replay of a segment).
    worst
        The upper bound instead of the nominal estimate: nothing overlaps, no memory latency is
        hidden. Never below the nominal total.
    commands
        The memory that holds the command stream; None for that of region 0.

    Raises
    ------
    CommandStreamError
        A register that an operation reads was never set.
    """
    estimate = _estimator(config, system).cycles
    memory = system.const if commands is None else commands
    first_word = operations[0].first_word - prologue_words if operations else -prologue_words
    # NPU_OP_STOP is one word more.
    words = operations[-1].word + 2 - first_word if operations else prologue_words + 1
    fetch = (worst_fetch_cycles if worst else fetch_cycles)(words, memory)
    own = [estimate(op) for op in operations]
    if worst:
        timings = _serial(own, fetch)
    else:
        fetched = [fetch_cycles(op.word + 1 - first_word, memory) for op in operations]
        timings = _overlapped(operations, own, fetched, MAX_OUTSTANDING_DMAS[config.product])
    done = max((t.end for t in timings), default=0)
    dma_cycles = sum(t.cycles for op, t in zip(operations, timings, strict=True) if op.is_dma)
    return StreamTiming(
        operations=tuple(timings),
        total_cycles=max(done, fetch) + STOP_CYCLES,
        kernel_cycles=sum(t.cycles for t in timings) - dma_cycles,
        dma_cycles=dma_cycles,
        fetch_cycles=fetch,
        startup_cycles=timings[0].start if timings else fetch,
        worst=worst,
    )


def _serial(own: Sequence[OperationCycles], fetch: int) -> list[OperationTiming]:
    """At the worst, each operation starts when the one before it, or the fetch, has ended."""
    timings = []
    end = fetch
    for one in own:
        start, end = end, end + one.worst
        timings.append(OperationTiming(one.worst, start, end, one.bound))
    return timings


def _overlapped(
    operations: Sequence[Operation],
    own: Sequence[OperationCycles],
    fetched: Sequence[int],
    dma_limit: int,
) -> list[OperationTiming]:
    """Kernels and DMAs side by side, as waits, queues and the fetch of their commands let them."""
    timings: list[OperationTiming] = []
    pipeline = Pipeline()
    kernels: deque[int] = deque()
    dmas: deque[int] = deque()
    kernel_free = dma_free = issued = 0
    for op, one, ready in zip(operations, own, fetched, strict=True):
        cycles = one.nominal
        issued = max(issued, ready)
        if op.dma_wait is not None:
            issued = _wait(dmas, op.dma_wait, issued)
        if op.kernel_wait is not None:
            issued = _wait(kernels, op.kernel_wait, issued)
        if op.is_dma:
            pipeline.load(op)
            issued = _wait(dmas, dma_limit - 1, issued)
            start = max(issued, dma_free)
            dma_free = end = start + cycles
            dmas.append(end)
        else:
            issued = _wait(kernels, MAX_OUTSTANDING_KERNELS - 1, issued)
            start = max(issued, kernel_free)
            cycles = pipeline.cycles(op, one, busy=start == kernel_free)
            kernel_free = end = start + cycles
            kernels.append(end)
        timings.append(OperationTiming(cycles, start, end, one.bound))
    return timings
