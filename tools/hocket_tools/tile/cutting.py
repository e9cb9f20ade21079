# SPDX-License-Identifier: Apache-2.0
"""Ways to cut one kernel, and the cheapest that keeps every tile within a bound.

A kernel is cut along the rows of its OFM, along columns too where single rows are too long, and
into slices of channels, each with weights of its own; or into slices and those along rows. What is
best depends on what bounds the kernel: stripes read all weights again, slices read the input again.
So each way is carried out and timed, and the cheapest is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import FeatureMap
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import operation_cycles

from .independence import independent
from .tiles import Cutting, Tile, weight_registers
from .weights import Slicer
from .window import OfmBox, may_begin, restricted, with_registers

#: More slices of channels than this read the input too often to be tried.
_MOST_SLICES = 512
#: Candidates in a row that are no better than the best before the search ends.
_PATIENCE = 4
#: Cost of cutting, in 1/256 of the kernel's own cycles, below which the search ends.
_CHEAP = 2
#: Counts tried one by one before they grow by a quarter.
_DENSE = 8
_BRICK = 16

Ranges = tuple[tuple[int, int], ...]


def _counts(start: int, limit: int) -> Iterator[int]:
    """Numbers of parts to try: dense at first, the limit last."""
    count, step = max(start, 1), 0
    while count < limit:
        yield count
        step += 1
        count += 1 if step < _DENSE else max(count // 4, 1)
    if start <= limit:
        yield limit


def _ladder(wanted: int, limit: int) -> Iterator[int]:
    """Numbers of slices to try: a few below an even share of the bound, then from it on."""
    count = 2
    while count < wanted:
        if count > limit:
            return
        yield count
        count += max(count // 2, 1)
    yield from _counts(wanted, limit)


def _share(places: list[int], count: int, size: int) -> Ranges | None:
    """Ranges that cover ``size`` in ``count`` parts, as even as the places to cut allow."""
    if count == 1:
        return ((0, size),)
    if len(places) < count - 1:
        return None
    edges = [0]
    for i in range(1, count):
        # As near to an even share as leaves enough places for the others.
        wanted = i * size / count
        free = places[i - 1 : len(places) - (count - 1 - i)]
        edge = min((p for p in free if p > edges[-1]), key=lambda p: abs(p - wanted), default=None)
        if edge is None:
            return None
        edges.append(edge)
    edges.append(size)
    return tuple(pairwise(edges))


@dataclass
class Cutter:
    """Cuts one kernel.

    Parameters
    ----------
    op
        The kernel.
    config, system
        What it runs on.
    slicer
        Its weights and scales; None when it has none, or they are not constant.
    fits
        Whether there is room for the slices of a cutting.
    """

    op: Operation
    config: NpuConfig
    system: SystemConfig
    slicer: Slicer | None = None
    fits: Callable[[Cutting], bool] = lambda cutting: True

    def __post_init__(self) -> None:
        """Time the kernel as it is."""
        ofm = self.ofm = self.op.ofm()
        self.whole = Cutting((Tile(self.op, OfmBox.whole(ofm), self._cycles(self.op)),))
        self._may_slice = ofm.depth > 1
        if self.op.scales() is not None:
            self._may_slice = self._may_slice and self.slicer is not None

    def best(self, bound: int, least: int = 1) -> Cutting:
        """The cheapest way with every tile within ``bound``, and ``least`` tiles or more.

        Where no way keeps the bound, the shortest tiles that there are, give or take an eighth.
        """
        if least <= 1 and self.whole.longest <= bound:
            return self.whole
        goal = max(bound, min(self._shortest(), self.whole.longest))
        while True:
            found = self._cheapest(goal, least)
            if found is not None:
                return found
            if goal >= self.whole.longest:
                return self.whole
            goal += goal // 8 + 1

    def sliced(self, bound: int, slices: int) -> Cutting | None:
        """The cheapest way in ``slices`` slices of channels or more that fit; None if none do."""
        if not self._may_slice:
            return None
        best: Cutting | None = None
        worse = 0
        for count in _counts(slices, min(self.ofm.depth, _MOST_SLICES)):
            ways = (self._striped(bound, 1, channels) for channels in self._channels(count))
            good = [c for c in ways if c is not None and self.fits(c) and independent(c)]
            if not good:
                continue
            cheapest = min(good, key=lambda c: c.cost)
            if best is None or cheapest.cost < best.cost:
                best, worse = cheapest, 0
                continue
            worse += 1
            if worse == _PATIENCE:
                break
        return best

    def _cycles(self, op: Operation) -> int:
        return operation_cycles(op, self.config, self.system).nominal

    def _shortest(self) -> int:
        """Cycles of the smallest tile that there could be."""
        depth = min(self._units()[-1], self.ofm.depth) if self._may_slice else self.ofm.depth
        tiles = (self._tile(OfmBox(y, y + 1, 0, 1, 0, depth)) for y in range(self.ofm.height))
        return next((p.cycles for p in tiles if p is not None), self.whole.longest)

    def _cheapest(self, bound: int, least: int) -> Cutting | None:
        best: Cutting | None = None
        for cutting in self._ways(bound, least):
            if best is not None and cutting.cost >= best.cost:
                continue
            if self.fits(cutting) and independent(cutting):
                best = cutting
                if 256 * (cutting.cycles - self.whole.cycles) <= _CHEAP * self.whole.cycles:
                    break
        return best

    def _ways(self, bound: int, least: int) -> Iterator[Cutting]:
        """Candidates: along rows and columns, then with more and more slices of channels."""
        plain = self._striped(bound, least, ((0, self.ofm.depth),))
        if plain is not None:
            yield plain
        if not self._may_slice:
            return
        wanted = max(-(-self.whole.cycles // bound), 2)
        cheapest, worse = None if plain is None else plain.cycles, 0
        for count in _ladder(wanted, min(self.ofm.depth, _MOST_SLICES)):
            here = None
            for channels in self._channels(count):
                cutting = self._striped(bound, -(-least // count), channels)
                if cutting is not None:
                    yield cutting
                    here = cutting.cycles if here is None else min(here, cutting.cycles)
            if here is None:
                continue
            worse = worse + 1 if cheapest is not None and here >= cheapest else 0
            cheapest = here if cheapest is None else min(here, cheapest)
            if worse == _PATIENCE:
                return

    def _channels(self, count: int) -> list[Ranges]:
        """About ``count`` slices of channels: of whole blocks, bricks, micro-blocks, channels."""
        depth = self.ofm.depth
        found: list[Ranges] = []
        for unit in self._units():
            ranges = _share(list(range(unit, depth, unit)), count, depth)
            if ranges is not None and ranges not in found:
                found.append(ranges)
        return found[:2]  # finer units only fill micro-blocks up

    def _units(self) -> list[int]:
        """Granules of a slice's depth, the finest last."""
        units = [self.op.register(Cmd.OFM_BLK_DEPTH_M1) + 1, _BRICK]
        if self._any_channel():
            return [*units, self.config.ofm_ublock[2], 1]
        return [unit for unit in units if unit % _BRICK == 0]

    def _any_channel(self) -> bool:
        """Whether a slice may begin at any channel."""
        maps: list[FeatureMap | None] = [self.ofm]
        if self.op.key != Cmd.NPU_OP_CONV:
            maps += [self.op.ifm(), self.op.ifm2()]
        return all(fm is None or not fm.nhcwb16 or fm.height * fm.width == 1 for fm in maps)

    def _striped(self, bound: int, least: int, channels: Ranges) -> Cutting | None:
        """Each slice in as few stripes along rows, then along columns, as keep the bound."""
        first = self._tile(OfmBox(0, 1, 0, 1, *channels[0]))
        if first is not None and first.cycles > bound:
            return None
        ofm = self.ofm
        start = max(-(-self.whole.cycles // (bound * len(channels))), least, 1)
        every_column = ((0, ofm.width),)
        for count in _counts(start, ofm.height):
            found = [
                self._cut(bound, channels, rows, every_column)
                for rows in self._shares(self._row_units(), count, ofm.height, rows=True)
            ]
            good = [c for c in found if c is not None]
            if good:
                return min(good, key=lambda c: c.cost)
        every_row = self._finest_rows()
        for count in _counts(max(-(-start // len(every_row)), 2), ofm.width):
            columns = self._shares(self._column_units(), count, ofm.width, rows=False)
            found = [self._cut(bound, channels, every_row, some) for some in columns]
            good = [c for c in found if c is not None]
            if good:
                return min(good, key=lambda c: c.cost)
        return None

    def _row_units(self) -> list[int]:
        return [self.op.register(Cmd.OFM_BLK_HEIGHT_M1) + 1, self.config.ofm_ublock[0], 1]

    def _column_units(self) -> list[int]:
        return [self.op.register(Cmd.OFM_BLK_WIDTH_M1) + 1, self.config.ofm_ublock[1], 1]

    def _finest_rows(self) -> Ranges:
        height = self.ofm.height
        places = [p for p in range(1, height) if may_begin(self.op, p, rows=True)]
        return _share(places, len(places) + 1, height) or ((0, height),)

    def _shares(self, units: list[int], count: int, size: int, *, rows: bool) -> list[Ranges]:
        places = [p for p in range(1, size) if may_begin(self.op, p, rows=rows)]
        found: list[Ranges] = []
        for unit in units:
            ranges = _share([p for p in places if p % unit == 0], count, size)
            if ranges is not None and ranges not in found:
                found.append(ranges)
        return found

    def _cut(self, bound: int, channels: Ranges, rows: Ranges, columns: Ranges) -> Cutting | None:
        """All tiles of a grid; None as soon as one is too long or cannot be."""
        boxes = [OfmBox(*y, *x, *c) for c in channels for y in rows for x in columns]
        tiles: dict[OfmBox, Tile] = {}
        # One from the middle first: it has no padding, so it is the one most likely too long.
        for box in (boxes[len(boxes) // 2], *boxes):
            if box in tiles:
                continue
            tile = self._tile(box)
            if tile is None or tile.cycles > bound:
                return None
            tiles[box] = tile
        return Cutting(tuple(tiles[box] for box in boxes))

    def _tile(self, box: OfmBox) -> Tile | None:
        part = restricted(self.op, box, self.config)
        if part is None:
            return None
        encoded = None
        if box.c1 - box.c0 < self.ofm.depth and self.slicer is not None:
            encoded = self.slicer.slice(box.c0, box.c1)
            weights, scales = part.weights(), part.scales()
            assert scales is not None
            part = with_registers(part, weight_registers(encoded, weights, scales))
        return Tile(part, box, self._cycles(part), encoded)
