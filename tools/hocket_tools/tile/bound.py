# SPDX-License-Identifier: Apache-2.0
"""A compiled network with no operation longer than a bound, without compiling it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hocket_host.ethosu.lint.hazards import check
from hocket_host.ethosu.stream.command_stream import parse
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig

from ..vela import CompiledModel, NpuOperation
from .emit import StreamStep, emit
from .origins import Origins
from .plan import TilePlan
from .tiled import TiledStream
from .weights import TileError


def bound_tiles(compiled: CompiledModel, max_cycles: int, system: SystemConfig) -> CompiledModel:
    """Cut operations of a network into tiles, so that segments can be short.

    Kernels are cut into stripes of their output, or into slices of channels with weights of their
    own; long DMAs into chunks beside the tiles of kernels. Between any two kernels the new stream
    may be cut as in any other. Results are the same, bit for bit.

    Parameters
    ----------
    compiled
        A network as Vela made it.
    max_cycles
        NPU cycles that no operation should exceed, nominally and on its own.
    system
        Clock and memories, by which cycles are estimated.

    Returns
    -------
    CompiledModel
        The same network: inputs, outputs and state stay where they are; the stream, the read-only
        data and the table of operations are new, and the scratch may have grown by a few bytes for
        sums. The very same object where nothing is too long. Operations that cannot be cut, or not
        so far, stay longer than the bound.

    Raises
    ------
    TileError
        The bound is not positive, or weights do not decode.
    """
    if isinstance(max_cycles, bool) or not isinstance(max_cycles, int) or max_cycles <= 0:
        raise TileError(
            "no bound for tiles",
            found=repr(max_cycles),
            expected="a positive number of NPU cycles",
        )
    found = _tiled(compiled, max_cycles, system)
    if found is None:
        return compiled
    plan, layout, data, operations = found
    fast_end = plan.ends.get(compiled.fast_region or -1, 0)
    return replace(
        compiled,
        command_stream=data,
        scratch_size=max(compiled.scratch_size, plan.ends.get(compiled.arena_region, 0)),
        fast_scratch_size=max(compiled.fast_scratch_size, fast_end),
        read_only=layout.flash,
        operations=_named(compiled.operations, layout.steps, operations),
    )


def _tiled(
    compiled: CompiledModel, max_cycles: int, system: SystemConfig
) -> tuple[TilePlan, TiledStream, bytes, Sequence[Operation]] | None:
    """The plan, and the new stream as steps, as bytes and parsed; None if nothing is tiled."""
    stream = compiled.stream
    origins = Origins(compiled)
    known = {h.text for h in check(stream.operations, compiled.npu)}
    whole: frozenset[int] = frozenset()
    while True:
        plan = TilePlan(origins, compiled.npu, system, max_cycles, whole)
        if not plan.changes:
            return None
        layout = TiledStream(plan)
        data = emit(stream, layout.steps)
        operations = parse(data).operations
        unsafe = {
            layout.steps[h.operation].origin
            for h in check(operations, compiled.npu)
            if h.text not in known
        }
        if not unsafe:
            return plan, layout, data, operations
        # What cannot be ordered safely in tiles stays whole, with the kernels next to it.
        grown = whole | _around(unsafe, stream.operations)
        if grown == whole:
            return None
        whole = grown


def _around(unsafe: set[int], operations: Sequence[Operation]) -> frozenset[int]:
    """Kernels at and next to some operations."""
    kernels = [i for i, op in enumerate(operations) if not op.is_dma]
    found = set()
    for index in unsafe:
        before = [i for i in kernels if i <= index][-2:]
        after = [i for i in kernels if i > index][:1]
        found |= {*before, *after}
    return frozenset(found)


def _named(
    names: Sequence[NpuOperation], steps: Sequence[StreamStep], operations: Sequence[Operation]
) -> tuple[NpuOperation, ...]:
    """The table of operations for the new stream."""
    table = [
        replace(names[step.origin], index=index, word=op.word)
        for index, (step, op) in enumerate(zip(steps, operations, strict=True))
    ]
    used = Counter(o.scheduled_id for o in table if o.scheduled_id is not None)
    return tuple(
        o if o.scheduled_id is None else replace(o, stripes=used[o.scheduled_id]) for o in table
    )
