# SPDX-License-Identifier: Apache-2.0
"""Writes operations as a command stream.

Only registers that an operation reads or that the original stream set for it are written, in the
original's order, and only when they change: what Vela left out stays left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from hocket_host.ethosu.stream.command_stream import CommandStream
from hocket_host.ethosu.stream.isa import Cmd, Command, encode
from hocket_host.ethosu.stream.operation import Operation

_MOST_OUTSTANDING = 15


@dataclass(frozen=True)
class StreamStep:
    """An operation of the new stream."""

    op: Operation
    """Its registers and its own waits."""
    origin: int
    """Operation of the old stream that it is part of."""
    own_wait: bool = False
    """Whether its DMA_WAIT counts the new stream's DMAs rather than the old one's."""
    follows: bool = False
    """Whether it must not overlap the kernel before."""


def emit(stream: CommandStream, steps: Sequence[StreamStep]) -> bytes:
    """Words of the new stream.

    Parameters
    ----------
    stream
        The old one: gives the order of registers, and its last command.
    steps
        What the new one does.
    """
    words: list[int] = []
    state: dict[int, int] = {}
    issued: list[int] = []
    for step in steps:
        op = step.op
        for key in _wanted(stream, step):
            value = op.registers[key]
            if state.get(key) != value:
                state[key] = value
                words += encode(key, value)
        if op.kernel_wait is not None:
            words += encode(int(Cmd.NPU_OP_KERNEL_WAIT), op.kernel_wait)
        wait = op.dma_wait if step.own_wait else _dma_wait(stream, step, issued)
        if wait is not None:
            words += encode(int(Cmd.NPU_OP_DMA_WAIT), wait)
        if op.is_dma:
            issued.append(step.origin)
        words += encode(op.key, op.param)
    words += encode(stream.commands[-1].key, stream.commands[-1].value)
    return b"".join(word.to_bytes(4, "little") for word in words)


def _wanted(stream: CommandStream, step: StreamStep) -> list[int]:
    old = stream.operations[step.origin]
    begin = bisect_left(stream.commands, old.first_word, key=_word)
    end = bisect_left(stream.commands, old.word, key=_word)
    order = [c.key for c in stream.commands[begin:end] if c.sets_register]
    return list(dict.fromkeys([*order, *sorted(step.op.reads())]))


def _word(command: Command) -> int:
    return command.word


def _dma_wait(stream: CommandStream, step: StreamStep, issued: Sequence[int]) -> int | None:
    """DMAs that may still run: all parts of those that might in the old stream."""
    allowed = step.op.dma_wait
    if not allowed:
        return allowed
    before = [i for i in range(step.origin) if stream.operations[i].is_dma]
    last = set(before[-allowed:])
    count = 0
    while count < len(issued) and issued[-1 - count] in last:
        count += 1
    return min(count, _MOST_OUTSTANDING)
