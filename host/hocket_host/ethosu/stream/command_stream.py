# SPDX-License-Identifier: Apache-2.0
"""A command stream as a list of operations.

`parse` follows the stream once: every kernel and DMA is an `Operation` that holds a snapshot of the
registers, the waits before it, and where its own register writes begin, which is where a stream may
be cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .isa import OPERATIONS, Cmd, Command, CommandStreamError, decode
from .operation import Operation


@dataclass(frozen=True)
class CommandStream:
    """A parsed stream."""

    commands: tuple[Command, ...]
    operations: tuple[Operation, ...]
    words: int
    stops: bool
    """Whether it ends with NPU_OP_STOP."""


def parse(stream: bytes) -> CommandStream:
    """Decode a stream and follow its register state.

    Every stream starts with all registers unset: register retention from an earlier stream is not
    guaranteed, so nothing may depend on it.

    Raises
    ------
    CommandStreamError
        A malformed command, or commands after NPU_OP_STOP.
    """
    commands = decode(stream)
    stop = next((i for i, c in enumerate(commands) if c.key == Cmd.NPU_OP_STOP), len(commands))
    for command in commands[stop + 1 :]:
        raise CommandStreamError(
            "commands after NPU_OP_STOP",
            where=f"command stream word {command.word}",
            found=Cmd(command.key).name,
            expected="the end of the stream",
        )
    state: dict[int, int] = {}
    written: set[int] = set()
    dma_wait: int | None = None
    kernel_wait: int | None = None
    first_word = 0
    operations: list[Operation] = []
    snapshot: Mapping[int, int] = MappingProxyType({})
    for command in commands:
        if command.sets_register:
            state[command.key] = command.value
            written.add(command.key)
        elif command.key == Cmd.NPU_OP_DMA_WAIT:
            dma_wait = min(command.value & 0xF, 15 if dma_wait is None else dma_wait)
        elif command.key == Cmd.NPU_OP_KERNEL_WAIT:
            kernel_wait = min(command.value & 0xF, 15 if kernel_wait is None else kernel_wait)
        elif command.key in OPERATIONS:
            if written or not operations:
                snapshot = MappingProxyType(dict(state))
            operations.append(
                Operation(
                    key=command.key,
                    param=command.value,
                    first_word=first_word,
                    word=command.word,
                    registers=snapshot,
                    written=frozenset(written),
                    dma_wait=dma_wait,
                    kernel_wait=kernel_wait,
                )
            )
            written = set()
            dma_wait = kernel_wait = None
            first_word = command.word + command.words
    last = commands[-1] if commands else None
    return CommandStream(
        commands=tuple(commands),
        operations=tuple(operations),
        words=0 if last is None else last.word + last.words,
        stops=stop < len(commands),
    )
