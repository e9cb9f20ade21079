# SPDX-License-Identifier: Apache-2.0
"""Which registers an operation reads: what must be set, or replayed, before it."""

from __future__ import annotations

from collections.abc import Mapping

from .isa import Cmd
from .operands import UNARY, Elementwise

_FM_SUFFIXES = ("BASE0", "BASE1", "BASE2", "BASE3", "STRIDE_X", "STRIDE_Y", "STRIDE_C")
_TILE_SUFFIXES = ("WIDTH0_M1", "HEIGHT0_M1", "HEIGHT1_M1", "REGION")


def _keys(*names: str) -> tuple[int, ...]:
    return tuple(int(Cmd[n]) for n in names)


def _map_keys(prefix: str) -> tuple[int, ...]:
    return _keys(*(f"{prefix}_{s}" for s in _FM_SUFFIXES + _TILE_SUFFIXES))


_COMMON = (
    _map_keys("IFM")
    + _map_keys("OFM")
    + _keys(
        "IFM_DEPTH_M1", "IFM_PRECISION", "IFM_UPSCALE", "IFM_ZERO_POINT", "IFM_IB_END",
        "OFM_WIDTH_M1", "OFM_HEIGHT_M1", "OFM_DEPTH_M1", "OFM_PRECISION", "OFM_ZERO_POINT",
        "OFM_BLK_WIDTH_M1", "OFM_BLK_HEIGHT_M1", "OFM_BLK_DEPTH_M1",
        "ACC_FORMAT", "ACTIVATION", "ACTIVATION_MIN", "ACTIVATION_MAX", "AB_START", "BLOCKDEP",
    )
)  # fmt: skip
_WINDOW = _keys(
    "IFM_PAD_TOP", "IFM_PAD_LEFT", "IFM_PAD_RIGHT", "IFM_PAD_BOTTOM",
    "KERNEL_WIDTH_M1", "KERNEL_HEIGHT_M1", "KERNEL_STRIDE",
)  # fmt: skip
_SCALES = _keys("SCALE_REGION", "SCALE_BASE", "SCALE_LENGTH")
_WEIGHTS = _keys("WEIGHT_REGION", "WEIGHT_BASE", "WEIGHT_LENGTH")
_DMA = _keys("DMA0_SRC_REGION", "DMA0_DST_REGION", "DMA0_SRC", "DMA0_DST", "DMA0_LEN")

#: Bit of OFM_PRECISION: one scale for all channels, in OFM_SCALE.
GLOBAL_SCALE = 1 << 8
#: Bit of IFM2_BROADCAST: the second operand is IFM2_SCALAR.
BROADCAST_CONSTANT = 1 << 7


def registers_read(key: int, param: int, registers: Mapping[int, int]) -> frozenset[int]:
    """Registers that an operation reads, given the state it runs under.

    Only these need to be set (or replayed) before it. The state decides: a global scale replaces
    the scale list, a scalar second operand has no feature map.
    """
    if key == Cmd.NPU_OP_DMA_START:
        return frozenset(_DMA)
    reads = set(_COMMON)
    if int(Cmd.PARALLEL_MODE) in registers:
        reads.add(int(Cmd.PARALLEL_MODE))
    global_scale = registers.get(int(Cmd.OFM_PRECISION), 0) & GLOBAL_SCALE
    if key in (Cmd.NPU_OP_CONV, Cmd.NPU_OP_DEPTHWISE):
        reads.update(_WINDOW, _WEIGHTS, _SCALES)
    elif key == Cmd.NPU_OP_POOL:
        reads.update(_WINDOW)
        reads.update(_keys("OFM_SCALE") if global_scale else _SCALES)
    elif key == Cmd.NPU_OP_ELEMENTWISE:
        if global_scale:
            reads.add(int(Cmd.OFM_SCALE))
        if param not in UNARY:
            reads.update(_keys("IFM2_BROADCAST", "IFM2_PRECISION", "IFM2_ZERO_POINT"))
            if param in (Elementwise.ADD, Elementwise.SUB):
                reads.update(_keys("OPA_SCALE", "OPB_SCALE"))
            if registers.get(int(Cmd.IFM2_BROADCAST), 0) & BROADCAST_CONSTANT:
                reads.add(int(Cmd.IFM2_SCALAR))
            else:
                reads.update(_map_keys("IFM2"))
            reads.add(int(Cmd.IFM2_IB_START))
    return frozenset(reads)
