# SPDX-License-Identifier: Apache-2.0
"""How a kernel is cut into blocks, and where its buffers lie in the NPU's internal memory (SHRAM).

The OFM block is in the registers; the IFM block that feeds it is not, and follows from the window,
the upscaling and the micro-block. SHRAM is used in banks of 1 KiB: two for output, then the IFM
buffers, then (at the end) accumulators and, on the larger configurations, look-up tables. Source:
Vela's block configuration search (``ethos_u55.cpp``: IFM block size, bank granules, layout).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from ..config import NpuConfig
from ..stream.isa import Cmd
from ..stream.operands import FeatureMap, PoolMode, Upscale
from ..stream.operation import Operation

BANK_BYTES = 1024
OUTPUT_BANKS = 2
#: Windows larger than this are run as several sub-kernels.
SUBKERNEL = 8

_ACCUMULATOR_BITS = {0: 32, 1: 40, 2: 16}


class Shape(NamedTuple):
    """Height, width and depth in elements."""

    height: int
    width: int
    depth: int

    @property
    def area(self) -> int:
        """Height times width."""
        return self.height * self.width

    @property
    def volume(self) -> int:
        """All elements."""
        return self.height * self.width * self.depth

    def clip(self, other: Shape) -> Shape:
        """Smaller of two, axis by axis."""
        return Shape(
            min(self.height, other.height),
            min(self.width, other.width),
            min(self.depth, other.depth),
        )

    def tiles(self, tile: Shape) -> Shape:
        """How many of ``tile`` it takes to cover this, along each axis."""
        return Shape(
            -(-self.height // tile.height),
            -(-self.width // tile.width),
            -(-self.depth // tile.depth),
        )


class Traversal(Enum):
    """What a kernel does with depth, which decides its IFM block and its weight order."""

    DEPTH_FIRST = "depth first"
    PART_KERNEL = "part kernel first"
    EQUAL_DEPTH = "equal depth"
    """Depthwise, pooling and elementwise: an output channel needs its own input channel only."""


@dataclass(frozen=True)
class Granules:
    """Bank granularity of each kind of buffer, in banks."""

    ifm8: int
    ifm16: int
    ifm32: int
    acc: dict[int, int]
    """By accumulator bits."""


GRANULES: dict[int, Granules] = {
    32: Granules(2, 2, 4, {16: 4, 32: 4, 40: 4}),
    64: Granules(2, 2, 4, {16: 4, 32: 4, 40: 8}),
    128: Granules(4, 4, 8, {16: 4, 32: 8, 40: 12}),
    256: Granules(8, 8, 16, {16: 8, 32: 16, 40: 20}),
}
"""By MACs a cycle."""


@dataclass(frozen=True)
class Blocks:
    """One kernel's blocks and micro-block."""

    traversal: Traversal
    reduce_sum: bool
    ofm: Shape
    """OFM block, as the registers have it (it may exceed the OFM)."""
    ifm: Shape
    """IFM block that one OFM block needs, in elements of the IFM before upscaling."""
    ublock: Shape
    """OFM micro-block in effect."""
    accumulator_bits: int


def round_up(value: int, granule: int) -> int:
    """Smallest multiple of ``granule`` that is not below ``value``."""
    return -(-value // granule) * granule


def shape_of(fm: FeatureMap) -> Shape:
    """Shape of a feature map."""
    return Shape(fm.height, fm.width, fm.depth)


def required_input(output: int, stride: int, border: int, upscale: Upscale) -> int:
    """Input elements along one axis that ``output`` elements need."""
    rounding = 1 if upscale == Upscale.NEAREST else 0
    factor = 1 if upscale == Upscale.NONE else 2
    return -(-((output - 1) * stride + border + rounding) // factor)


def _traversal(op: Operation) -> tuple[Traversal, bool]:
    if op.key == Cmd.NPU_OP_CONV:
        first = op.kernel().part_kernel_first
        return (Traversal.PART_KERNEL if first else Traversal.DEPTH_FIRST), False
    if op.key == Cmd.NPU_OP_POOL and op.param == PoolMode.REDUCE_SUM:
        return Traversal.DEPTH_FIRST, True
    return Traversal.EQUAL_DEPTH, False


def blocks(op: Operation, config: NpuConfig) -> Blocks:
    """Blocks of a kernel, from its registers.

    Raises
    ------
    CommandStreamError
        A register that describes the kernel was never set.
    """
    ofm, ifm, second = op.ofm(), op.ifm(), op.ifm2()
    r = op.register
    block = Shape(
        r(Cmd.OFM_BLK_HEIGHT_M1) + 1, r(Cmd.OFM_BLK_WIDTH_M1) + 1, r(Cmd.OFM_BLK_DEPTH_M1) + 1
    )
    traversal, reduce_sum = _traversal(op)
    ublock = Shape(*config.ofm_ublock)
    stride_y = stride_x = border_y = border_x = 1
    if op.key != Cmd.NPU_OP_ELEMENTWISE:
        k = op.kernel()
        stride_y, stride_x = k.stride_y, k.stride_x
        border_y, border_x = min(k.height, SUBKERNEL), min(k.width, SUBKERNEL)
    depth = block.depth
    if traversal != Traversal.EQUAL_DEPTH:
        if ifm.bits == 16:
            depth = round_up(min(ifm.depth, 16), 4)
        else:
            limit = 16 if traversal == Traversal.PART_KERNEL else 32
            depth = round_up(min(ifm.depth, limit), config.ifm_ublock_depth)
    ifm_block = Shape(
        round_up(required_input(block.height, stride_y, border_y, op.upscale), ublock.height),
        round_up(required_input(block.width, stride_x, border_x, op.upscale), ublock.width),
        depth,
    )
    if second is not None and shape_of(second).volume > shape_of(ifm).volume:
        ifm = second
    if (
        op.key == Cmd.NPU_OP_CONV
        and ublock.height == 2
        and ofm.height == 1
        and ofm.width % 2 == 0
        and op.kernel().height == 1
    ):
        # One-dimensional convolutions use the micro-block's second row for more columns.
        ublock = Shape(1, 2 * ublock.width, ublock.depth)
    return Blocks(
        traversal=traversal,
        reduce_sum=reduce_sum,
        ofm=block,
        ifm=ifm_block,
        ublock=ublock,
        accumulator_bits=_ACCUMULATOR_BITS.get(r(Cmd.ACC_FORMAT) & 3, 40),
    )
