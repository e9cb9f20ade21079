# SPDX-License-Identifier: Apache-2.0
"""Where each kernel's buffers lie in SHRAM, and what lies wrong.

The order is fixed: output banks, IFM buffers up to IFM_IB_END (a second operand's from
IFM2_IB_START), accumulators from AB_START, look-up tables in the last two banks. Sizes follow from
the blocks. Nothing else about placement is documented, so a stream is held to the one placement
that Vela computes (``ethos_u55.cpp``): accumulators end exactly where the look-up tables begin.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config import NpuConfig
from ..stream.isa import Cmd
from ..stream.operation import Operation
from ..timing.shram import (
    BANK_BYTES,
    GRANULES,
    OUTPUT_BANKS,
    Blocks,
    Shape,
    blocks,
    round_up,
    shape_of,
)

LUT_BANKS = 2
LUT_SLOT_BYTES = 256
_LARGEST_BLOCK = Shape(32, 64, 128)


@dataclass(frozen=True)
class Layout:
    """A kernel's use of SHRAM in banks: half-open ranges, empty where a buffer is not used."""

    ifm: tuple[int, int]
    ifm2: tuple[int, int]
    accumulators: tuple[int, int]
    lut_start: int
    """First bank that its buffers must leave alone."""


def lut_span(op: Operation, config: NpuConfig) -> tuple[int, int] | None:
    """Bytes of SHRAM that a kernel's look-up table occupies, None without one."""
    slot = op.lut_slot
    if slot is None:
        return None
    start = config.shram_bytes - LUT_BANKS * BANK_BYTES + slot * LUT_SLOT_BYTES
    return start, start + op.lut_bytes


def _ifm_banks(op: Operation, config: NpuConfig, block: Shape) -> int:
    bits = op.ifm().bits
    granules = GRANULES[config.macs]
    granule = {8: granules.ifm8, 16: granules.ifm16}.get(bits, granules.ifm32)
    size = block.area * round_up(block.depth * bits // 8, 8)
    return round_up(2 * -(-size // BANK_BYTES), granule)


def required_layout(op: Operation, config: NpuConfig) -> Layout:
    """Layout that Vela gives a kernel with these blocks, accumulators and look-up table.

    Raises
    ------
    CommandStreamError
        A register that describes the kernel was never set.
    """
    kernel = blocks(op, config)
    total = config.shram_bytes // BANK_BYTES
    lut_start = total - (LUT_BANKS if op.lut_slot is not None else config.lut_banks)
    ifm_banks = _ifm_banks(op, config, kernel.ifm)
    ifm_end = OUTPUT_BANKS + ifm_banks
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        second = op.ifm2()
        scalar = second is None or 1 in (shape_of(op.ifm()).volume, shape_of(second).volume)
        ifm2_banks = 0 if scalar and op.ifm().bits <= 16 else ifm_banks
        if second is None:
            ifm2_banks = 0
        return Layout(
            (OUTPUT_BANKS, ifm_end), (ifm_end, ifm_end + ifm2_banks), (lut_start,) * 2, lut_start
        )
    height = 1 if _one_row(op, config) else kernel.ofm.height
    start = lut_start - _accumulator_banks(kernel, config, height)
    return Layout((OUTPUT_BANKS, ifm_end), (ifm_end, ifm_end), (start, lut_start), lut_start)


def _one_row(op: Operation, config: NpuConfig) -> bool:
    """Whether accumulators of one row suffice where the micro-block has two."""
    return config.ofm_ublock[0] == 2 and op.ofm().height == 1 and op.kernel().height == 1


def _accumulator_banks(kernel: Blocks, config: NpuConfig, height: int) -> int:
    bits = kernel.accumulator_bits
    size = height * kernel.ofm.width * round_up(kernel.ofm.depth, 8) * bits // 8
    return round_up(2 * -(-size // BANK_BYTES), GRANULES[config.macs].acc[bits])


def layout_faults(op: Operation, config: NpuConfig) -> list[str]:
    """What is wrong with a kernel's block and buffer registers; empty if nothing is."""
    need = required_layout(op, config)
    kernel = blocks(op, config)
    r = op.register
    ib_end, ab_start = r(Cmd.IFM_IB_END), r(Cmd.AB_START)
    faults = []
    for name, size, unit, limit in zip(
        Shape._fields, kernel.ofm, config.ofm_ublock, _LARGEST_BLOCK, strict=True
    ):
        if size > limit or size % unit:
            faults.append(
                f"OFM block {name} {size}: expected a multiple of {unit}, {limit} at most"
            )
    if r(Cmd.ACC_FORMAT) not in (0, 1, 2):
        faults.append(f"ACC_FORMAT {r(Cmd.ACC_FORMAT)} does not exist")
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        # Both operands' buffers together reach up to the tables; there are no accumulators.
        if ib_end != need.lut_start:
            faults.append(f"IFM_IB_END is bank {ib_end}, expected {need.lut_start}")
        if need.ifm[1] > need.lut_start:
            faults.append(f"IFM buffers need {need.ifm[1]} banks of {need.lut_start}")
        if op.ifm2() is not None:
            start = r(Cmd.IFM2_IB_START)
            if start != need.ifm2[0]:
                faults.append(f"IFM2_IB_START is bank {start}, expected {need.ifm2[0]}")
            if need.ifm2[1] > ib_end:
                faults.append(f"IFM2 buffers end at bank {need.ifm2[1]}, beyond {ib_end}")
    else:
        if ib_end != need.ifm[1]:
            faults.append(f"IFM_IB_END is bank {ib_end}, expected {need.ifm[1]}")
        if ab_start < need.ifm[1] or need.accumulators[0] < need.ifm[1]:
            faults.append(
                f"accumulators from bank {min(ab_start, need.accumulators[0])} overlap IFM buffers "
                f"that end at {need.ifm[1]}"
            )
    starts = {need.accumulators[0]}
    if op.key != Cmd.NPU_OP_ELEMENTWISE and _one_row(op, config):
        # The last row of a striped layer keeps the layer's placement, which is for whole blocks.
        starts.add(need.lut_start - _accumulator_banks(kernel, config, kernel.ofm.height))
    if ab_start not in starts:
        faults.append(f"AB_START is bank {ab_start}, expected {need.accumulators[0]}")
    return faults
