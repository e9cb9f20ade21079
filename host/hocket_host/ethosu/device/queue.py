# SPDX-License-Identifier: Apache-2.0
"""What one run of the NPU will do, known when it starts: operations, instants, and how it ends.

The register interface is lazy. When a run starts, its stream is compiled and bound; the instants at
which operations end follow from the timing model, and memory is touched only when one of them is
looked at (completion, an interrupt of the stream, a stop, a fault).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from hocket_host.errors import HocketError

from ..config import NpuConfig
from ..stream.isa import KEY_MASK, OPERATIONS, PAYLOAD, Cmd
from ..stream.operation import Operation
from .interfaces import Decoded, Executable, FunctionalModel, TimingModel

_STOP_WORD = 0xFFFF_0000 | int(Cmd.NPU_OP_STOP)
_MEMO_LIMIT = 8192


class Ending(Enum):
    """How a run ends."""

    STOP = "NPU_OP_STOP"
    QUEUE_END = "end of the queue without NPU_OP_STOP"
    REQUEST = "stop request"
    PARSE_ERROR = "parse error"
    BUS_ABORT = "bus abort"
    WEIGHT_FAULT = "weight decoder fault"
    HANG = "hang"


@dataclass(frozen=True)
class Program:
    """A stream as far as it can be run."""

    stream: bytes
    """The queue's bytes as fetched."""
    decoded: Decoded | None
    """None when not one operation can be run."""
    operations: tuple[Operation, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    word_ends: tuple[int, ...]
    total_cycles: int
    startup_cycles: int
    interrupts: tuple[tuple[int, int], ...]
    """NPU_OP_IRQ as (operations before it, mask)."""
    stop_mask: int
    """Mask of NPU_OP_STOP."""
    size: int
    """Bytes consumed when it ends as it should."""
    ending: Ending
    error: HocketError | None
    macs: tuple[int, ...]
    """Cycles at full use of the multipliers, summed up to each operation."""
    reach: dict[int, tuple[int, int]]
    """Half-open byte range that all operations access, by region; SHRAM left out."""

    def cycles(self) -> int:
        """Cycles from start to end."""
        if self.ending in (Ending.STOP, Ending.QUEUE_END):
            return self.total_cycles
        if self.ending is Ending.REQUEST and not self.operations:
            return 0  # a stop asked for before anything started does not wait for a start
        return self.cycles_of(len(self.operations))

    def cycles_of(self, operations: int) -> int:
        """Cycles until the first ``operations`` have ended."""
        return self.ends[operations - 1] if operations else self.startup_cycles

    def ended(self, cycles: int) -> int:
        """Operations that have ended after ``cycles``."""
        return bisect_right(self.ends, cycles)

    def started(self, cycles: int) -> int:
        """Operations that have ended or been started after ``cycles``."""
        last = self.ended(cycles)
        for index in range(last, len(self.starts)):
            if self.starts[index] <= cycles:
                last = index + 1
        return last

    def offset(self, operations: int) -> int:
        """Queue offset in bytes after the first ``operations``."""
        return self.word_ends[operations - 1] if operations else 0

    def cut(self, operations: int, ending: Ending, error: HocketError | None) -> Program:
        """The same run ended after fewer operations."""
        return replace(
            self,
            operations=self.operations[:operations],
            starts=self.starts[:operations],
            ends=self.ends[:operations],
            word_ends=self.word_ends[:operations],
            macs=self.macs[:operations],
            interrupts=tuple(i for i in self.interrupts if i[0] <= operations),
            ending=ending,
            error=error,
        )


def mac_cycles(op: Operation, config: NpuConfig) -> int:
    """Cycles of a convolution if every multiplier worked in every cycle; 0 for anything else."""
    if op.key not in (Cmd.NPU_OP_CONV, Cmd.NPU_OP_DEPTHWISE):
        return 0
    ofm, kernel = op.ofm(), op.kernel()
    depth = op.ifm().depth if op.key == Cmd.NPU_OP_CONV else 1
    macs = ofm.height * ofm.width * ofm.depth * kernel.height * kernel.width * depth
    # A 16-bit operand takes each multiplier for two cycles.
    return -(-macs * (op.ifm().bits // 8) // config.macs)


def last_good(count: int, good: Callable[[int], bool]) -> int:
    """Largest ``n`` up to ``count`` with ``good(n)``, given that good is good for all below it."""
    low, high = 0, count
    while low < high:
        middle = (low + high + 1) // 2
        if good(middle):
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(frozen=True)
class _Walk:
    """Command boundaries of a stream up to its first NPU_OP_STOP."""

    ends: list[int]
    """Word after each command."""
    operations: list[int]
    """Operations among the commands up to each one."""
    interrupts: list[tuple[int, int]]
    stop_mask: int | None
    whole: bool
    """Whether the last command is complete."""


def _walk(words: list[int]) -> _Walk:
    ends: list[int] = []
    operations: list[int] = []
    interrupts: list[tuple[int, int]] = []
    at, count = 0, 0
    while at < len(words):
        word = words[at]
        key = word & KEY_MASK
        length = 2 if word & PAYLOAD else 1
        if at + length > len(words):
            return _Walk(ends, operations, interrupts, None, False)
        at += length
        count += key in OPERATIONS
        ends.append(at)
        operations.append(count)
        if key == Cmd.NPU_OP_STOP:
            return _Walk(ends, operations, interrupts, word >> 16, True)
        if key == Cmd.NPU_OP_IRQ:
            interrupts.append((count, word >> 16))
    return _Walk(ends, operations, interrupts, None, True)


class Programs:
    """Makes programs from streams, and remembers them by content.

    Parameters
    ----------
    model
        The functional model.
    timing
        Time axis of a run of operations.
    config
        The accelerator.
    """

    def __init__(self, model: FunctionalModel, timing: TimingModel, config: NpuConfig) -> None:
        self._model = model
        self._timing = timing
        self._config = config
        self._memo: dict[bytes, Program] = {}

    def load(self, stream: bytes) -> Program:
        """The program of a queue's bytes; never raises for what the queue holds."""
        program = self._memo.get(stream)
        if program is None:
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            program = self._memo[stream] = self._load(stream)
        return program

    def _compile(self, words: list[int]) -> Decoded:
        # NPU_OP_STOP closes every prefix, so that the model sees a whole stream.
        return self._model.compile(np.array([*words, _STOP_WORD], dtype="<u4").tobytes())  # type: ignore[no-any-return]

    def _load(self, stream: bytes) -> Program:
        words: list[int] = np.frombuffer(stream, dtype="<u4").tolist()
        walk = _walk(words)
        stops = walk.stop_mask is not None
        ends = walk.ends[:-1] if stops else walk.ends
        error: HocketError | None = None
        decoded: Decoded | None = None
        good = len(ends)
        try:
            decoded = self._compile(words[: ends[-1] if ends else 0])
            self._reach(decoded.operations)
        except HocketError as problem:
            error = problem

            def runs(commands: int) -> bool:
                try:
                    self._reach(self._compile(words[: ends[commands - 1]]).operations)
                except HocketError:
                    return False
                return True

            good = last_good(len(ends), runs)
            decoded = self._compile(words[: ends[good - 1]]) if good else None
        if not walk.whole and error is None:
            error = HocketError("the queue ends inside a command", found=f"{len(words)} words")
        if error is not None:
            ending = Ending.PARSE_ERROR
        else:
            ending = Ending.STOP if stops else Ending.QUEUE_END
        operations = tuple(decoded.operations) if decoded is not None else ()
        timing = self._timing(operations)
        macs: list[int] = []
        for op in operations:
            macs.append((macs[-1] if macs else 0) + mac_cycles(op, self._config))
        reached = walk.operations[good - 1] if good else 0
        return Program(
            stream=stream,
            decoded=decoded,
            operations=operations,
            starts=tuple(o.start for o in timing.operations),
            ends=tuple(timing.ends()),
            word_ends=tuple(decoded.word_ends) if decoded is not None else (),
            total_cycles=timing.total_cycles,
            startup_cycles=timing.startup_cycles,
            interrupts=tuple(i for i in walk.interrupts if i[0] <= reached),
            stop_mask=walk.stop_mask or 0,
            size=4 * walk.ends[-1] if walk.ends else 0,
            ending=ending,
            error=error,
            macs=tuple(macs),
            reach=self._reach(operations),
        )

    @staticmethod
    def _reach(operations: Sequence[Operation]) -> dict[int, tuple[int, int]]:
        reach: dict[int, tuple[int, int]] = {}
        for op in operations:
            for access in op.accesses():
                if access.region >= 0:
                    low, high = reach.get(access.region, (access.start, access.end))
                    reach[access.region] = (min(low, access.start), max(high, access.end))
        return reach

    def bind(
        self,
        program: Program,
        bases: tuple[int | None, ...],
        room: tuple[tuple[int, int], ...],
        extents: Sequence[Any],
    ) -> tuple[Program, Executable | None]:
        """Resolve a program's addresses; cut it before the first operation that leaves memory.

        Parameters
        ----------
        program
            What `load` gave.
        bases
            Offset in flat memory of each region's base; None where no memory is mapped.
        room
            For each region, the offsets from its base that are inside the base's own window: flat
            memory is packed, so leaving a window must not arrive in its neighbour.
        extents
            What the NPU may access, as offsets in flat memory.
        """
        if program.decoded is None or not program.operations:
            return program, None
        flat = tuple(0 if b is None else b for b in bases)

        def inside(reach: dict[int, tuple[int, int]]) -> bool:
            return all(
                bases[r] is not None and room[r][0] <= low and high <= room[r][1]
                for r, (low, high) in reach.items()
            )

        error: HocketError | None = None
        if inside(program.reach):
            try:
                return program, self._model.bind(program.decoded, flat, extents)
            except HocketError as problem:
                error = problem
        else:
            error = HocketError("an operation leaves the window of its base pointer")

        def prefix(count: int) -> Executable | None:
            if not inside(self._reach(program.operations[:count])):
                return None
            try:
                return self._model.bind(self._prefix(program, count), flat, extents)
            except HocketError:
                return None

        count = last_good(len(program.operations) - 1, lambda n: prefix(n) is not None)
        bound = prefix(count) if count else None
        return program.cut(count, Ending.BUS_ABORT, error), bound

    def _prefix(self, program: Program, count: int) -> Decoded:
        words: list[int] = np.frombuffer(program.stream, dtype="<u4").tolist()
        return self._compile(words[: program.word_ends[count - 1] // 4])
