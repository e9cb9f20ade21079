# SPDX-License-Identifier: Apache-2.0
"""Segments: parts of a command stream, each a stream of its own.

A segment assumes nothing: registers and look-up tables are set again as far as its operations use
them, and every DMA it starts has finished when it stops. Between two segments the NPU may run
anything, as long as the bytes in `Segment.live` keep their values.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from hocket_host.ethosu.stream.command_stream import CommandStream, parse
from hocket_host.ethosu.stream.isa import Cmd, Command, encode

from .dataflow import ByteRange, live_before
from .network import Analysis, Compiled, SplitError

_STOP = (int(Cmd.NPU_OP_STOP), 0xFFFF)
_WAIT = (int(Cmd.NPU_OP_DMA_WAIT), 0)
_DMA = tuple(
    int(Cmd[name])
    for name in ("DMA0_SRC_REGION", "DMA0_DST_REGION", "DMA0_SRC", "DMA0_DST", "DMA0_LEN")
)


@dataclass(frozen=True)
class CutPoint:
    """A place at which a stream may be cut."""

    before: int
    """Operation that would start the next segment."""
    live: tuple[ByteRange, ...]
    """Bytes of the scratch regions that must survive from the cut to the next segment."""

    @property
    def live_bytes(self) -> int:
        """Number of bytes that must survive."""
        return sum(r.size for r in self.live)


@dataclass(frozen=True)
class Prologue:
    """What precedes a segment's own commands."""

    words: int
    """Command words: table reloads and register replay."""
    replayed: tuple[int, ...]
    """Registers set again, by command key."""
    lut_bytes: int
    """Bytes of look-up tables loaded again."""

    @property
    def bytes(self) -> int:
        """Size of its commands in bytes."""
        return 4 * self.words


@dataclass(frozen=True)
class Segment:
    """Operations [first, last) of a network as a command stream of their own."""

    index: int
    first: int
    last: int
    data: bytes
    """Command words, ending in NPU_OP_STOP."""
    prologue: Prologue
    sources: tuple[str, ...]
    """Source operators that it works for, in order."""
    live: tuple[ByteRange, ...]
    """Bytes that must hold their value when it starts; inputs and state for the first one."""
    cycles: int | None
    """NPU cycles of its operations by the function given to `split`; None without one."""

    @property
    def live_bytes(self) -> int:
        """Number of bytes that must hold their value when it starts."""
        return sum(r.size for r in self.live)

    @property
    def name(self) -> str:
        """Its source operators, in short."""
        if not self.sources:
            return f"operations {self.first}-{self.last - 1}"
        ends = (self.sources[0], self.sources[-1])
        return ends[0] if len(self.sources) == 1 else " .. ".join(ends)

    @cached_property
    def stream(self) -> CommandStream:
        """Its commands, parsed; operations of the prologue come first."""
        return parse(self.data)


def cut_points(network: Compiled) -> list[CutPoint]:
    """Every legal cut, in order, with the bytes that must survive there."""
    analysis = network.analysis
    wanted = set(analysis.cuts)
    live = live_before(analysis.prints, network.live_out, wanted.__contains__)
    return [CutPoint(at, live[at]) for at in analysis.cuts]


def split(
    network: Compiled,
    cuts: Iterable[CutPoint | int],
    *,
    cycles: Callable[[int], int] | None = None,
) -> list[Segment]:
    """Cut a stream.

    Parameters
    ----------
    network
        A compiled network, or a `Stream`.
    cuts
        Cut points, or the operations that they precede.
    cycles
        NPU cycles of an operation by its index, to fill `Segment.cycles`.

    Raises
    ------
    SplitError
        A cut that is not among `cut_points`.
    """
    analysis = network.analysis
    places = sorted({c.before if isinstance(c, CutPoint) else c for c in cuts})
    wrong = [place for place in places if place not in set(analysis.cuts)]
    if wrong:
        raise SplitError(
            "the stream cannot be cut there",
            found=f"before operation {wrong[0]}",
            expected=f"one of {len(analysis.cuts)} cut points",
            try_="take cuts from cut_points() or choose()",
        )
    starts = [0, *places]
    ends = [*places, len(analysis.operations)]
    live = live_before(analysis.prints, network.live_out, set(starts).__contains__)
    return [
        _segment(analysis, index, first, last, live[first], cycles)
        for index, (first, last) in enumerate(zip(starts, ends, strict=True))
    ]


def prologue_words(analysis: Analysis, first: int, last: int) -> tuple[list[int], Prologue]:
    """Commands that set what operations [first, last) inherit."""
    if first == 0:
        return [], Prologue(0, (), 0)
    words: list[int] = []
    state: dict[int, int] = {}

    def put(key: int, value: int) -> None:
        if state.get(key) != value:
            state[key] = value
            words.extend(encode(key, value))

    lut_bytes = 0
    for index in analysis.reloads(first, last):
        dma = analysis.operations[index]
        for key in _DMA:
            put(key, dma.register(key))
        words += encode(dma.key, dma.param)
        lut_bytes += dma.dma().destination.length
    if lut_bytes:
        words += encode(*_WAIT)
    inherited = analysis.operations[first - 1].registers
    replayed = analysis.replayed(first, last)
    for key in replayed:
        put(key, inherited[key])
    return words, Prologue(len(words), tuple(replayed), lut_bytes)


def _segment(
    analysis: Analysis,
    index: int,
    first: int,
    last: int,
    live: tuple[ByteRange, ...],
    cycles: Callable[[int], int] | None,
) -> Segment:
    words, prologue = prologue_words(analysis, first, last)
    final = last == len(analysis.operations)
    commands = analysis.network.stream.commands
    stop = len(commands) - 1
    begin = bisect_left(commands, analysis.operations[first].first_word, key=_word)
    end = stop if final else bisect_left(commands, analysis.operations[last].first_word, key=_word)
    for command in commands[begin:end]:
        words += encode(command.key, command.value)
    if _dma_outstanding(analysis, first, last):
        words += encode(*_WAIT)
    words += encode(commands[stop].key, commands[stop].value) if final else encode(*_STOP)
    return Segment(
        index=index,
        first=first,
        last=last,
        data=b"".join(word.to_bytes(4, "little") for word in words),
        prologue=prologue,
        sources=_sources(analysis, first, last),
        live=live,
        cycles=None if cycles is None else sum(cycles(i) for i in range(first, last)),
    )


def _word(command: Command) -> int:
    return command.word


def _dma_outstanding(analysis: Analysis, first: int, last: int) -> bool:
    """Whether a DMA may still run after the last operation; its waits tell."""
    running = 0
    for operation in analysis.operations[first:last]:
        if operation.dma_wait is not None:
            running = min(running, operation.dma_wait)
        running += operation.is_dma
    return running > 0


def _sources(analysis: Analysis, first: int, last: int) -> tuple[str, ...]:
    sources: Sequence[str] = [
        # Converters join the names of fused layers with semicolons; the first says enough.
        o.source_name.split(";")[0] or o.source_kind
        for o in analysis.network.operations[first:last]
    ]
    return tuple(dict.fromkeys(name for name in sources if name))
