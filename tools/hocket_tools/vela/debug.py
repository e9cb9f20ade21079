# SPDX-License-Identifier: Apache-2.0
"""Joins Vela's debug database to the operations of the command stream.

The database is a set of tables of strings. ``queue`` places each kernel by the byte offset of its
NPU_OP command and names a scheduled operation; ``perf`` has that operation's cycles and its source
and optimised ids, as ``optimised`` has but for the cycles; ``source.ext_key`` is the operator's
index in the TFLite file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hocket_host.ethosu.stream.operation import Operation

from ..segment.dataflow import Footprint, consumer
from ..tflite.model import Subgraph

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class NpuOperation:
    """Where one operation of a command stream comes from."""

    index: int
    """Index among the operations of the parsed stream."""
    word: int
    """Word of its NPU_OP command."""
    source_index: int | None
    """Index of the operator in the TFLite file; None when Vela does not say."""
    source_kind: str
    """The operator's kind in the schema; empty when unknown."""
    source_name: str
    """The operator's layer name in the source model; empty when unknown."""
    optimised: str
    """Vela's operation (``Conv2D``, ``LUT``), or ``DMA``."""
    name: str
    """Name of the tensor that it computes or fetches for."""
    scheduled_id: int | None
    """Vela's scheduled operation; stripes of one operation share it."""
    stripes: int
    """How many operations of the stream carry out that scheduled operation."""
    vela_cycles: int
    """Vela's estimate for the whole scheduled operation, all stripes together; 0 for a DMA."""


def join(
    tables: Tables,
    operations: Sequence[Operation],
    prints: Sequence[Footprint],
    source: Subgraph,
) -> tuple[NpuOperation, ...]:
    """Say of every operation which source operator it works for.

    A DMA is not in the database; it is booked on the kernel that first needs what it fetches.
    """
    queue = {int(row["offset"]) // 4: row for row in tables.get("queue", ())}
    scheduled = {word: row["scheduled_id"] for word, row in queue.items()}
    optimised = {row["id"]: row for row in tables.get("optimised", ())}
    perf = {row["id"]: row for row in tables.get("perf", ())}
    place = {row["id"]: int(row["ext_key"]) for row in tables.get("source", ())}
    used = Counter(scheduled.values())
    found: list[NpuOperation] = []
    for index, operation in enumerate(operations):
        at: int | None = index
        if operation.is_dma:
            at = consumer(operations, prints, index)
        key = None if at is None else scheduled.get(operations[at].word)
        row: Row = perf.get(key, {}) if key is not None else {}
        if at is not None and key is not None and not row:
            # Of a file with several graphs the estimates cover the last one only.
            row = optimised.get(queue[operations[at].word]["optimised_id"], {})
        ext = place.get(row.get("source_id", ""), -1)
        known = 0 <= ext < len(source.operators)
        found.append(
            NpuOperation(
                index=index,
                word=operation.word,
                source_index=ext if known else None,
                source_kind=source.operators[ext].kind if known else "",
                source_name=source.operators[ext].name if known else "",
                optimised="DMA" if operation.is_dma else row.get("operator", ""),
                name=row.get("name", ""),
                scheduled_id=None if key is None or operation.is_dma else int(key),
                stripes=1 if key is None or operation.is_dma else used[key],
                vela_cycles=0 if operation.is_dma else int(row.get("op_cycles") or 0),
            )
        )
    return tuple(found)
