# SPDX-License-Identifier: Apache-2.0
"""A command stream, decoded, checked and compiled but for its addresses."""

from __future__ import annotations

from dataclasses import dataclass

from hocket_host.ranges import Range, merge

from ..config import NpuConfig
from ..stream.command_stream import parse
from ..stream.isa import Cmd, CommandStreamError
from ..stream.operation import Operation
from .lowering import Lowered, lower, lut_base


@dataclass(frozen=True, eq=False)
class CompiledStream:
    """What `NpuModel.compile` makes of a command stream."""

    operations: list[Operation]
    word_ends: list[int]
    """QREAD byte offset after each operation."""
    stops: bool
    """Whether the stream ends with NPU_OP_STOP."""
    lowered: tuple[Lowered, ...]
    work: int
    """Bytes of work array that the largest operation needs beyond SHRAM."""


def compile_stream(stream: bytes, config: NpuConfig) -> CompiledStream:
    """Decode, check and compile a command stream.

    Raises
    ------
    CommandStreamError
        Malformed commands, registers or look-up tables used before they were set, or register
        values that make no sense.
    """
    parsed = parse(stream)
    _check_tables(parsed.operations, config)
    lowered = tuple(lower(op, config) for op in parsed.operations)
    return CompiledStream(
        operations=list(parsed.operations),
        word_ends=[4 * (op.word + 1) for op in parsed.operations],
        stops=parsed.stops,
        lowered=lowered,
        work=max((one.work for one in lowered), default=0),
    )


def _check_tables(operations: tuple[Operation, ...], config: NpuConfig) -> None:
    """Follow what SHRAM holds: nothing at the start of a stream, then what DMAs load.

    Without banks reserved for tables, a kernel that uses none spreads its buffers over them.
    """
    loaded: list[Range] = []
    for op in operations:
        if op.is_dma:
            copy = op.dma()
            for span, internal in (
                (copy.source, copy.source_internal),
                (copy.destination, copy.destination_internal),
            ):
                if internal and span.start + span.length > config.shram_bytes:
                    raise CommandStreamError(
                        "DMA exceeds SHRAM",
                        where=f"command stream word {op.word}",
                        found=f"[{span.start:#x}, {span.start + span.length:#x})",
                        expected=f"within {config.shram_bytes:#x} bytes",
                    )
            if copy.source_internal:
                _need(op, loaded, copy.source.start, copy.source.length)
            if copy.destination_internal:
                start = copy.destination.start
                loaded = merge([*loaded, (start, start + copy.destination.length)])
            continue
        if Cmd.ACTIVATION in op.registers and op.lut_slot is not None:
            base = lut_base(config)
            start = base + 256 * op.lut_slot
            _need(op, loaded, start, op.lut_bytes)
            if config.lut_banks == 0:
                loaded = [(max(low, base), high) for low, high in loaded if high > base]
        elif config.lut_banks == 0:
            loaded = []


def _need(op: Operation, loaded: list[Range], start: int, length: int) -> None:
    if any(low <= start and start + length <= high for low, high in loaded):
        return
    raise CommandStreamError(
        "look-up table was never loaded into SHRAM in this stream",
        where=f"command stream word {op.word}",
        found=f"[{start:#x}, {start + length:#x}) undefined",
        expected="a DMA that loads it, and no kernel in between that overwrites it",
    )
