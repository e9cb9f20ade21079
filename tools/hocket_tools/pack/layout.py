# SPDX-License-Identifier: Apache-2.0
"""Fifth stage of packing: every network's place in the arena pool, and its data in flash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hocket_host.errors import HocketError
from hocket_host.units import format_size

from .. import container as hkt
from ..vela import CompiledModel
from ..vela.result import PlacedTensor, State
from .primitives import aligned, scratch_bytes
from .segmented import SegmentedNetwork
from .target import Target

_ALIGN = 16


class PackError(HocketError):
    """An application whose networks do not fit the board."""


@dataclass(frozen=True)
class Layout:
    """All networks as the container has them."""

    models: tuple[hkt.Model, ...]
    arena_size: int
    """Bytes of the arena pool."""


def lay_out(target: Target, networks: Mapping[str, SegmentedNetwork]) -> Layout:
    """Give every network its own part of the arena pool, one after the other.

    Raises
    ------
    PackError
        They do not fit the board.
    """
    models: list[hkt.Model] = []
    at = 0
    for name, network in networks.items():
        models.append(model_of(name, network, at))
        at += models[-1].arena_size
    available = target.board.arena_size
    if at > available:
        parts = ", ".join(f"{m.name} {format_size(m.arena_size)}" for m in models)
        raise PackError(
            "the networks' arenas do not fit the board",
            where=target.application.path,
            found=f"{format_size(at)} ({parts})",
            expected=f"at most {format_size(available)} on {target.application.board.name}",
            try_='optimise = "Size" or a smaller arena-cache-size for the largest',
        )
    return Layout(tuple(models), at)


def model_of(name: str, segmented: SegmentedNetwork, arena_offset: int) -> hkt.Model:
    """The network as the container has it, its arena beginning at an offset in the pool."""
    network = segmented.placed.network
    read_only, steps, arena = _steps(segmented)
    regions = [hkt.Region() for _ in range(8)]
    if read_only:
        regions[network.flash_region] = hkt.Region.read_only(read_only)
    size = 0
    lengths = {network.arena_region: arena}
    if network.fast_region is not None:
        lengths[network.fast_region] = network.fast_size
    for region, length in lengths.items():
        if length:
            regions[region] = hkt.Region.arena(arena_offset + size, length)
            size += aligned(length)
    return hkt.Model(
        name=name,
        regions=tuple(regions),
        inputs=tuple(_tensor(t) for t in network.inputs),
        outputs=tuple(_tensor(t) for t in network.outputs),
        steps=tuple(steps),
        arena_offset=arena_offset,
        arena_size=size,
        persistent=tuple(part for state in network.state for part in _persistent(state)),
    )


def _steps(segmented: SegmentedNetwork) -> tuple[bytes, list[hkt.Step], int]:
    """Read-only data with the CPU's constants, all steps, and the arena's size."""
    network, choices = segmented.placed.network, iter(segmented.placed.choices)
    scratch = None
    arena = network.arena_size
    needed = scratch_bytes(segmented.placed.choices)
    if needed:
        scratch = hkt.Operand(network.arena_region, aligned(arena), needed)
        arena = scratch.offset + needed
    data = bytearray(network.read_only)
    known: dict[bytes, hkt.Operand] = {}

    def placed(constant: bytes) -> hkt.Operand:
        if constant not in known:
            data.extend(bytes(-len(data) % _ALIGN))
            known[constant] = hkt.Operand(network.flash_region, len(data), len(constant))
            data.extend(constant)
        return known[constant]

    npu_steps = iter(segmented.npu_steps)
    steps: list[hkt.Step] = []
    for part in network.parts:
        if isinstance(part, CompiledModel):
            steps += next(npu_steps)
            continue
        choice = next(choices)
        constants = {index: placed(value) for index, value in choice.constants.items()}
        steps.append(choice.placed(constants, scratch))
    return bytes(data), steps, arena


def _tensor(tensor: PlacedTensor) -> hkt.Tensor:
    return hkt.Tensor(
        name=tensor.name,
        shape=tensor.shape,
        dtype=hkt.DType[tensor.dtype.upper()],
        scale=float(np.float32(tensor.scale or 0.0)),
        zero_point=tensor.zero_point,
        region=tensor.region,
        offset=tensor.offset,
        size=tensor.size,
    )


def _persistent(state: State) -> Sequence[hkt.PersistentRange]:
    """A range that starts from one byte throughout, or from contents of its own."""
    region, offset, initial = state.region, state.offset, state.initial
    if initial == initial[:1] * len(initial):
        return [hkt.PersistentRange(region, offset, len(initial), initial[0])]
    return [hkt.PersistentRange(region, offset, len(initial), 0, initial)]
