# SPDX-License-Identifier: Apache-2.0
"""A fully connected layer cut along its inputs, by sums in 32 bits.

Where a layer has few outputs, slices of channels hardly shorten it: micro-blocks of eight channels
are filled up. But its inputs can be taken in turns if the sums are kept: each part multiplies some
inputs and leaves its accumulators as they are, the parts are added, and the total is scaled once.
Exact, because 32-bit sums do not round: it is refused where one could overflow. All steps are such
as Vela itself emits: 32-bit output under an identity scale (MEAN), 32-bit ADD (SOFTMAX), and
REDUCE_SUM from 32 to 8 bits under a scale of its own (BATCH_MATMUL), here over a depth of one.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from hocket_host.ethosu.config import NpuConfig
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Elementwise, PoolMode, Rounding, Upscale
from hocket_host.ethosu.stream.operation import Operation
from hocket_host.ethosu.timing.shram import round_up
from hocket_host.ethosu.timing.system_config import SystemConfig
from hocket_host.ethosu.timing.timing import operation_cycles

from .tiles import Cutting, Tile, weight_registers
from .weights import ALIGNMENT, Slicer
from .window import OfmBox, Registers, relaid, with_registers

#: Inputs are parted at multiples of the IFM block.
_UNIT = 32
_INT32 = 2 << 1 | 1
_IFM_INT32 = 2 << 2 | 1
_GLOBAL_SCALE = 1 << 8
_NHCWB16 = 3 << 6
_LIMIT = 1 << 31
#: Largest distance of an 8-bit input from its zero point.
_WIDEST_INPUT = 255
_BLOCK_DEPTH = 128
_BLOCK_WIDTH = 64


def scratch_bytes(op: Operation) -> int:
    """Scratch that the sums of a layer take: two rows of 32 bits an output."""
    return 2 * _row_bytes(op)


def _row_bytes(op: Operation) -> int:
    return round_up(4 * op.ofm().depth, ALIGNMENT)


def possible(op: Operation, slicer: Slicer | None) -> bool:
    """Whether a kernel is a layer that can be cut along its inputs."""
    if op.key != Cmd.NPU_OP_CONV or slicer is None:
        return False
    k, ifm, ofm = op.kernel(), op.ifm(), op.ofm()
    plain = not ofm.nhcwb16 or ofm.depth <= 16 or ofm.stride_c == 16 * ofm.element_bytes
    return (
        (k.height, k.width, ofm.height, ofm.width, ifm.height, ifm.width) == (1,) * 6
        and (ifm.bits, ofm.bits, op.register(Cmd.ACC_FORMAT)) == (8, 8, 0)
        and op.upscale == Upscale.NONE
        and op.activation == 0
        and op.ofm_rounding == Rounding.DOUBLE
        and ifm.depth > _UNIT
        and plain
        and slicer.largest_sum(_WIDEST_INPUT) < _LIMIT
    )


def _vector(prefix: str, region: int, base: int, width: int, step: int) -> Registers:
    """Registers of a plain map of one row: ``width`` pixels, ``step`` bytes apart."""
    values = {
        "REGION": region, "BASE0": base, "WIDTH0_M1": width - 1, "HEIGHT0_M1": 0, "HEIGHT1_M1": 0,
        "STRIDE_X": step, "STRIDE_Y": width * step,
    }  # fmt: skip
    return {int(Cmd[f"{prefix}_{name}"]): value for name, value in values.items()}


def _output(width: int, depth: int) -> Registers:
    return {
        int(Cmd.OFM_HEIGHT_M1): 0,
        int(Cmd.OFM_WIDTH_M1): width - 1,
        int(Cmd.OFM_DEPTH_M1): depth - 1,
    }


#: A 32-bit output that is neither shifted nor clipped.
_RAW = {
    int(Cmd.OFM_ZERO_POINT): 0,
    int(Cmd.ACTIVATION): 0,
    int(Cmd.ACTIVATION_MIN): 0x8000,
    int(Cmd.ACTIVATION_MAX): 0x7FFF,
}


class PartialSums:
    """Cuts one layer along its inputs.

    Parameters
    ----------
    op
        The layer; it must be `possible`.
    config, system
        What it runs on.
    slicer
        Its weights and scales.
    region, scratch
        Where `scratch_bytes` are free while it runs.
    """

    def __init__(
        self,
        op: Operation,
        config: NpuConfig,
        system: SystemConfig,
        slicer: Slicer,
        region: int,
        scratch: int,
    ) -> None:
        self.op = op
        self.config = config
        self.system = system
        self.slicer = slicer
        self.region = region
        self.sum, self.part = scratch, scratch + _row_bytes(op)
        self.depth = op.ofm().depth

    def best(self, bound: int) -> Cutting | None:
        """The layer in as few parts as keep the bound; None where none do."""
        units = -(-self.op.ifm().depth // _UNIT)
        for count in range(2, units + 1):
            cutting = self._cut(count, units)
            if cutting is None or cutting.longest <= bound:
                return cutting
        return None

    def _cut(self, count: int, units: int) -> Cutting | None:
        inputs = self.op.ifm().depth
        edges = [min(i * units // count * _UNIT, inputs) for i in range(count)] + [inputs]
        tiles: list[Tile | None] = []
        for index in range(count):
            tiles.append(self._product(edges[index], edges[index + 1], index == 0))
            if index:
                tiles.append(self._addition())
        tiles += self._scaled()
        found = [p for p in tiles if p is not None]
        return Cutting(tuple(found)) if len(found) == len(tiles) else None

    def _tile(self, op: Operation | None) -> Tile | None:
        if op is None:
            return None
        cycles = operation_cycles(op, self.config, self.system).nominal
        return Tile(op, OfmBox.whole(self.op.ofm()), cycles, follows=True)

    def _product(self, first: int, last: int, starts: bool) -> Tile | None:
        """Some inputs times their weights, accumulators as they are."""
        ifm, op = self.op.ifm(), self.op
        at = first // 16 * ifm.stride_c if ifm.nhcwb16 else first
        encoded = self.slicer.inputs(first, last, bias=starts)
        scales = op.scales()
        assert scales is not None
        target = self.sum if starts else self.part
        part = with_registers(
            op,
            {
                **_vector("OFM", self.region, target, 1, 4 * self.depth),
                **_RAW,
                **weight_registers(encoded, op.weights(), scales),
                int(Cmd.OFM_PRECISION): _INT32,
                int(Cmd.OFM_STRIDE_C): 4,
                int(Cmd.IFM_BASE0): op.register(Cmd.IFM_BASE0) + at,
                int(Cmd.IFM_DEPTH_M1): last - first - 1,
            },
        )
        cycles = operation_cycles(part, self.config, self.system).nominal
        return Tile(part, OfmBox.whole(op.ofm()), cycles, encoded, follows=True)

    def _addition(self) -> Tile | None:
        """Add a part to the sum."""
        height, width, _ = self.config.ofm_ublock
        op = replace(self.op, key=int(Cmd.NPU_OP_ELEMENTWISE), param=int(Elementwise.ADD))
        row = 4 * self.depth
        maps = [("IFM", self.sum), ("IFM2", self.part), ("OFM", self.sum)]
        changes: Registers = {}
        for prefix, base in maps:
            changes |= _vector(prefix, self.region, base, 1, row)
            changes |= {int(Cmd[f"{prefix}_STRIDE_C"]): 4, int(Cmd[f"{prefix}_ZERO_POINT"]): 0}
            for other in (1, 2, 3):
                changes[int(Cmd[f"{prefix}_BASE{other}"])] = 0
        changes |= {
            **_RAW,
            **_output(1, self.depth),
            int(Cmd.IFM_DEPTH_M1): self.depth - 1,
            int(Cmd.IFM_PRECISION): _IFM_INT32,
            int(Cmd.IFM2_PRECISION): _IFM_INT32,
            int(Cmd.IFM2_BROADCAST): 0,
            int(Cmd.OFM_PRECISION): _INT32 | _GLOBAL_SCALE,
            int(Cmd.OPA_SCALE): 1,
            int(Cmd.OPB_SCALE): 1,
            int(Cmd.OFM_SCALE): 1,
            int(Cmd.OFM_BLK_HEIGHT_M1): height - 1,
            int(Cmd.OFM_BLK_WIDTH_M1): width - 1,
            int(Cmd.OFM_BLK_DEPTH_M1): min(round_up(self.depth, 8), _BLOCK_DEPTH) - 1,
            int(Cmd.IFM2_IB_START): 0,
        }
        return self._tile(relaid(with_registers(op, changes), self.config))

    def _scaled(self) -> list[Tile | None]:
        """Scale the sums to the layer's output; outputs with the same scale at once."""
        found = []
        for scale, same in groupby(enumerate(self.slicer.scaling()), key=lambda pair: pair[1]):
            channels = [channel for channel, _ in same]
            found.append(self._reduction(channels[0], len(channels), scale))
        return found

    def _reduction(self, first: int, count: int, scale: int) -> Tile | None:
        height, width, _ = self.config.ofm_ublock
        ofm = self.op.ofm()
        op = replace(self.op, key=int(Cmd.NPU_OP_POOL), param=int(PoolMode.REDUCE_SUM))
        changes = {
            **_vector("IFM", self.region, self.sum + 4 * first, count, 4),
            **_vector("OFM", ofm.region, ofm.bases[0] + first, count, 1),
            **_output(count, 1),
            int(Cmd.IFM_STRIDE_C): 4,
            int(Cmd.OFM_STRIDE_C): 1,
            int(Cmd.IFM_DEPTH_M1): 0,
            int(Cmd.IFM_PRECISION): _IFM_INT32,
            int(Cmd.IFM_ZERO_POINT): 0,
            int(Cmd.OFM_PRECISION): op.register(Cmd.OFM_PRECISION) & ~_NHCWB16 | _GLOBAL_SCALE,
            int(Cmd.OFM_SCALE): scale,
            int(Cmd.KERNEL_STRIDE): 0,
            int(Cmd.OFM_BLK_HEIGHT_M1): height - 1,
            int(Cmd.OFM_BLK_WIDTH_M1): min(round_up(count, width), _BLOCK_WIDTH) - 1,
            int(Cmd.OFM_BLK_DEPTH_M1): 7,
        }
        return self._tile(relaid(with_registers(op, changes), self.config))
