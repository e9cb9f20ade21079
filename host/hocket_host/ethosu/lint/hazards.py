# SPDX-License-Identifier: Apache-2.0
"""Static checks of what no functional model can see: order of concurrent work, and SHRAM.

A functional model runs operations one after another, so a lost wait, a block dependency that is too
large or a buffer on top of another changes nothing there and corrupts data on the NPU. `check`
recomputes what is needed from the registers. The rules are those by which Vela writes streams
(``ethos_u55_register_cs_generator.cpp``); the hardware's own are not published.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from ..config import NpuConfig
from ..stream.isa import Cmd
from ..stream.operands import Access
from ..stream.operation import Operation
from ..timing.shram import BANK_BYTES
from ..timing.timing import MAX_OUTSTANDING_DMAS, MAX_OUTSTANDING_KERNELS
from .hazards_blockdep import largest_blockdep
from .shram_layout import layout_faults, lut_span, required_layout

_SHRAM = -1


class HazardKind(Enum):
    """What can go wrong."""

    DMA = "DMA and kernel are not ordered"
    BLOCKDEP = "kernel overlaps the kernel before it"
    SHRAM = "SHRAM layout"
    LUT = "look-up table overwritten before its use"


@dataclass(frozen=True)
class Hazard:
    """One thing that is wrong with a stream."""

    operation: int
    """Index of the operation that is at risk."""
    word: int
    """Word of its NPU_OP command."""
    kind: HazardKind
    text: str

    def __str__(self) -> str:
        return f"word {self.word}, operation {self.operation}: {self.kind.value}: {self.text}"


def _buffers_end(op: Operation, config: NpuConfig) -> int:
    """Byte of SHRAM at which a kernel's buffers end."""
    return required_layout(op, config).lut_start * BANK_BYTES


def _accesses(op: Operation, config: NpuConfig, aliases: Mapping[int, int]) -> list[Access]:
    """What an operation touches, with SHRAM as far as a look-up table's DMA could meet it."""
    found = [
        Access(aliases.get(a.region, a.region), a.start, a.end, a.write) for a in op.accesses()
    ]
    if not op.is_dma:
        span = lut_span(op, config)
        if span is not None:
            found.append(Access(_SHRAM, *span, write=False))
        found.append(Access(_SHRAM, 0, _buffers_end(op, config), write=True))
    return found


def _conflict(mine: list[Access], other: list[Access]) -> tuple[Access, Access] | None:
    for a in mine:
        for b in other:
            if (
                (a.write or b.write)
                and a.region == b.region
                and a.start < b.end
                and b.start < a.end
            ):
                return a, b
    return None


def _describe(access: Access) -> str:
    where = "SHRAM" if access.region == _SHRAM else f"region {access.region}"
    verb = "writes" if access.write else "reads"
    return f"{verb} {where} {access.start:#x}..{access.end:#x}"


_Outstanding = deque[tuple[int, list[Access]]]


def _drain(queue: _Outstanding, limit: int) -> None:
    while len(queue) > limit:
        queue.popleft()


def _order_hazards(
    operations: Sequence[Operation], config: NpuConfig, aliases: Mapping[int, int]
) -> list[Hazard]:
    kernels: _Outstanding = deque()
    dmas: _Outstanding = deque()
    dma_limit = MAX_OUTSTANDING_DMAS[config.product]
    found: list[Hazard] = []
    for index, op in enumerate(operations):
        if op.dma_wait is not None:
            _drain(dmas, op.dma_wait)
        if op.kernel_wait is not None:
            _drain(kernels, op.kernel_wait)
        mine = _accesses(op, config, aliases)
        # Kernels are ordered among themselves by BLOCKDEP, everything else by waits.
        queues = [("DMA", dmas), ("kernel", kernels)] if op.is_dma else [("DMA", dmas)]
        for name, queue in queues:
            for other, theirs in reversed(queue):
                clash = _conflict(mine, theirs)
                if clash is not None:
                    text = (
                        f"{_describe(clash[0])} while {name} {other}, for which nothing waits, "
                        f"{_describe(clash[1])}"
                    )
                    found.append(Hazard(index, op.word, HazardKind.DMA, text))
                    break
        own, limit = (dmas, dma_limit) if op.is_dma else (kernels, MAX_OUTSTANDING_KERNELS)
        own.append((index, mine))
        _drain(own, limit)
    return found


def _blockdep_hazards(operations: Sequence[Operation], config: NpuConfig) -> list[Hazard]:
    found: list[Hazard] = []
    before: Operation | None = None
    for index, op in enumerate(operations):
        if op.kernel_wait == 0:
            before = None
        if op.is_dma:
            continue
        value = op.register(Cmd.BLOCKDEP) & 3
        if before is not None and value:
            safe = largest_blockdep(op, before, config)
            if value > safe:
                text = f"BLOCKDEP is {value}, {safe} at most keeps it behind what is written"
                found.append(Hazard(index, op.word, HazardKind.BLOCKDEP, text))
        before = op
    return found


def _shram_hazards(operations: Sequence[Operation], config: NpuConfig) -> list[Hazard]:
    found: list[Hazard] = []
    loaded: dict[int, int] = {}
    for index, op in enumerate(operations):
        if op.is_dma:
            d = op.dma()
            if d.destination_internal:
                start, end = d.destination.start, d.destination.start + d.destination.length
                lost = [s for s, e in loaded.items() if s < end and start < e]
                for s in lost:
                    del loaded[s]
                loaded[start] = end
            continue
        found.extend(
            Hazard(index, op.word, HazardKind.SHRAM, fault) for fault in layout_faults(op, config)
        )
        span = lut_span(op, config)
        if span is not None and not any(s <= span[0] and span[1] <= e for s, e in loaded.items()):
            text = f"table at SHRAM {span[0]:#x}..{span[1]:#x} was not loaded, or overwritten since"
            found.append(Hazard(index, op.word, HazardKind.LUT, text))
        if loaded:
            end = _buffers_end(op, config)
            loaded = {start: stop for start, stop in loaded.items() if start >= end}
    return found


_NO_ALIASES: Mapping[int, int] = MappingProxyType({})


def check(
    operations: Sequence[Operation],
    config: NpuConfig,
    *,
    aliases: Mapping[int, int] = _NO_ALIASES,
) -> list[Hazard]:
    """Hazards of a stream, in stream order.

    Parameters
    ----------
    operations
        All operations of one stream: nothing is outstanding before the first.
    config
        Accelerator that it runs on.
    aliases
        Regions that share memory with another, by number, when their base pointers overlap; in a
        ``Shared_Sram`` system region 2 is region 1.

    Raises
    ------
    CommandStreamError
        A register that an operation reads was never set.
    """
    found = [
        *_order_hazards(operations, config, aliases),
        *_blockdep_hazards(operations, config),
        *_shram_hazards(operations, config),
    ]
    return sorted(found, key=lambda h: (h.operation, h.kind.name))
