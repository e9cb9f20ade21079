# SPDX-License-Identifier: Apache-2.0
"""Decides how each kernel and each DMA of a stream is cut."""

from __future__ import annotations

from dataclasses import dataclass, field

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig

from . import partial, transfer
from .cutting import Cutter
from .origins import Origins
from .partial import PartialSums
from .tiles import Cutting
from .transfer import Buffer


@dataclass(frozen=True)
class Group:
    """A kernel and the DMAs issued behind it; the first group may have no kernel."""

    kernel: int | None
    dmas: tuple[int, ...]


def groups(operations: tuple[Operation, ...]) -> list[Group]:
    """Operations of a stream as groups, in order."""
    found: list[Group] = []
    kernel: int | None = None
    dmas: list[int] = []
    for index, op in enumerate(operations):
        if op.is_dma:
            dmas.append(index)
            continue
        found.append(Group(kernel, tuple(dmas)))
        kernel, dmas = index, []
    found.append(Group(kernel, tuple(dmas)))
    return [g for g in found if g.kernel is not None or g.dmas]


@dataclass
class TilePlan:
    """How a stream is cut.

    Parameters
    ----------
    origins
        The stream, and where its weights come from.
    config, system
        What it runs on.
    bound
        Cycles that no operation should exceed.
    whole
        Kernels that must stay whole.
    """

    origins: Origins
    config: NpuConfig
    system: SystemConfig
    bound: int
    whole: frozenset[int] = frozenset()
    cuttings: dict[int, Cutting] = field(default_factory=dict)
    """By kernel, for all of them."""
    buffers: dict[int, Buffer] = field(default_factory=dict)
    """By kernel, for those whose slices are each brought by a DMA of their own."""

    ends: dict[int, int] = field(default_factory=dict)
    """By region, how far the scratch of partial sums reaches."""

    def __post_init__(self) -> None:
        """Decide everything, in the order of the stream."""
        operations = self.origins.operations
        self.groups = groups(tuple(operations))
        following = [g.kernel for g in self.groups[1:]] + [None]
        for group, after in zip(self.groups, following, strict=True):
            if group.kernel is not None and group.kernel not in self.cuttings:
                cutter = self._cutter(group.kernel)
                stays = group.kernel in self.whole
                best = cutter.whole if stays else cutter.best(self.bound)
                self._take(group.kernel, best if stays else self._summed(group.kernel, best))
            self._host(group, after)

    @property
    def changes(self) -> bool:
        """Whether anything is cut."""
        return any(len(c.tiles) > 1 for c in self.cuttings.values())

    def movable(self, group: Group) -> tuple[int, ...]:
        """DMAs of a group that may run beside its kernel, before those that may not."""
        found = []
        for index in group.dmas:
            if not transfer.movable(self.origins.operations[index]):
                break
            found.append(index)
        return tuple(found)

    def _buffer(self, kernel: int) -> Buffer | None:
        """The buffer that holds a kernel's weights, if slices can be brought to it one by one."""
        op = self.origins.operations[kernel]
        weights, scales = op.weights(), op.scales()
        if weights is None or scales is None or weights.region == self.origins.flash_region:
            return None
        dma = self.origins.feeder(kernel, weights)
        if dma is None or any(not o.is_dma for o in self.origins.operations[dma:kernel]):
            return None
        holds = scales.region != self.origins.flash_region
        if self.origins.users(dma) != [kernel] or (
            holds and self.origins.feeder(kernel, scales) != dma
        ):
            return None
        return Buffer(dma, kernel, self.origins.operations[dma], holds)

    def _cutter(self, kernel: int) -> Cutter:
        op = self.origins.operations[kernel]
        weights, scales = op.weights(), op.scales()
        slicer = self.origins.slicer(kernel)
        buffered = [s for s in (weights, scales) if s and s.region != self.origins.flash_region]
        if not buffered:
            return Cutter(op, self.config, self.system, slicer)
        buffer = self._buffer(kernel)
        if buffer is None:
            return Cutter(op, self.config, self.system, None)

        def fits(cutting: Cutting) -> bool:
            return buffer.fits(cutting) and all(
                transfer.cycles(buffer.op, self.system, len(buffer.bytes_of(tiles[0])))
                <= self.bound
                for tiles in cutting.slices
            )

        return Cutter(op, self.config, self.system, slicer, fits)

    def _summed(self, kernel: int, cutting: Cutting) -> Cutting:
        """A layer cut along its inputs where that is cheaper, or the only way."""
        op, slicer = self.origins.operations[kernel], self.origins.slicer(kernel)
        if len(cutting.tiles) == 1 and cutting.longest <= self.bound:
            return cutting
        spans = [s for s in (op.weights(), op.scales()) if s is not None]
        in_flash = all(s.region == self.origins.flash_region for s in spans)
        if slicer is None or not in_flash or not partial.possible(op, slicer):
            return cutting
        size, region = partial.scratch_bytes(op), op.ofm().region
        scratch = self.origins.free(kernel, size)
        sums = PartialSums(op, self.config, self.system, slicer, region, scratch)
        summed = sums.best(self.bound)
        if summed is None or (cutting.longest <= self.bound and cutting.cost <= summed.cost):
            return cutting
        self.ends[region] = max(self.ends.get(region, 0), scratch + size)
        return summed

    def _take(self, kernel: int, cutting: Cutting) -> None:
        self.cuttings[kernel] = cutting
        self.buffers.pop(kernel, None)
        weights = self.origins.operations[kernel].weights()
        if len(cutting.slices) > 1 and weights is not None:
            buffer = self._buffer(kernel)
            if buffer is not None:
                self.buffers[kernel] = buffer

    def _host(self, group: Group, after: int | None) -> None:
        """Give the DMAs behind a kernel tiles to run beside, or cut what they feed."""
        long = {i for i in group.dmas if self._dma_cycles(i) > self.bound}
        if self._enough_beside(group):
            long -= set(self.movable(group))
        buffer = None if after is None or after in self.whole else self._buffer(after)
        if after is None or buffer is None or buffer.dma not in long:
            return

        slices = -(-self._dma_cycles(buffer.dma) // self.bound)
        sliced = self._cutter(after).sliced(self.bound, slices)
        if sliced is not None:
            self._take(after, sliced)

    def _dma_cycles(self, index: int) -> int:
        return transfer.cycles(self.origins.operations[index], self.system)

    def _enough_beside(self, group: Group) -> bool:
        """Whether the movable DMAs can be spread; cuts the kernel further if it must be."""
        total = sum(map(self._dma_cycles, self.movable(group)))
        if total <= self.bound:
            return True
        kernel = group.kernel
        if kernel is None:
            return False
        places = -(-total // self.bound)
        cutting = self.cuttings[kernel]
        if kernel in self.buffers:
            # The DMAs of its own slices come first; the last slice is all that is left.
            return len(cutting.slices[-1]) > places
        if len(cutting.tiles) > places:
            return True
        if kernel in self.whole:
            return False
        finer = self._cutter(kernel).best(self.bound, places + 1)
        if len(finer.tiles) <= places or finer.longest > max(self.bound, cutting.longest):
            return False
        self._take(kernel, finer)
        return kernel not in self.buffers or len(finer.slices[-1]) > places
