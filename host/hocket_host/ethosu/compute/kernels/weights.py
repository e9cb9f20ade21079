# SPDX-License-Identifier: Apache-2.0
"""Weight slots: decoded weights and scales beside the compressed bytes they came from.

Before each use the compressed bytes in memory are compared with the slot's copy and decoded anew
when they differ, so weights that a DMA replaced in SRAM are always the ones used. Decoded weights
stand in the order of the MAC loop (see `conv`). The order of the stream follows Vela's
``ethos_u55_weight_encoder.cpp``: OFM blocks, IFM blocks, 8x8 parts of the window, micro-blocks.
"""

from __future__ import annotations

import numpy as np

from . import mlw
from .compiled import allocating, kernel
from .conv import LANES
from .row import (
    BLOCK_DEPTH,
    DECOMPOSE_X,
    DECOMPOSE_Y,
    DEPTHWISE_ORDER,
    ELEMENT_MULTIPLE,
    F_DEPTH,
    IFM,
    IFM_BLOCK_DEPTH,
    KERNEL_H,
    KERNEL_W,
    OFM,
    PART_KERNEL_FIRST,
    ROUNDING,
    RUN_LENGTH,
    RUNS,
    SCALE_ADDRESS,
    SCALE_LENGTH,
    TRAVERSAL,
    UBLOCK_DEPTH,
    WEIGHT_ADDRESS,
    WEIGHT_LENGTH,
)
from .scaling import rounding_terms

# Words of a slot's head: decoded or not, then where its parts begin (words from the slot's start).
S_VALID, S_COPY, S_SCALES, S_WEIGHTS, S_TAPS, S_TAP_COUNT, S_WEIGHT_COUNT = 0, 1, 2, 3, 4, 5, 6
SLOT_HEAD = 8
WRONG_COUNT = -5
_IFM_UBLOCK = 8
_RECORD = 10


@kernel
def _differs(memory, address, copy, length):  # type: ignore[no-untyped-def]
    """Whether ``length`` bytes (a multiple of 8) differ from their copy."""
    here = memory[address : address + length].view(np.int64)
    there = copy[: length >> 3]
    difference = np.int64(0)
    for i in range(length >> 3):
        difference |= here[i] ^ there[i]
    return difference != 0


@kernel
def _place(row, o, y, x, i):  # type: ignore[no-untyped-def]
    """Where the MAC loop reads a weight."""
    runs, length = row[RUNS], row[RUN_LENGTH]
    if row[TRAVERSAL] == DEPTHWISE_ORDER:
        return ((o // LANES) * length + y * row[KERNEL_W] + x) * LANES + o % LANES
    if runs == row[KERNEL_H]:
        run, at = y, x * row[IFM + F_DEPTH] + i
    else:
        run, at = y * row[KERNEL_W] + x, i
    return ((o // LANES * runs + run) * length + at) * LANES + o % LANES


@kernel
def walk(row, stream, out, placing):  # type: ignore[no-untyped-def]
    """Visit the stream in its order; returns its number of weights.

    ``placing``: move every weight of ``stream`` to its place in ``out``. Otherwise only count.
    """
    depthwise = row[TRAVERSAL] == DEPTHWISE_ORDER
    part_kernel = row[TRAVERSAL] == PART_KERNEL_FIRST
    kernel_h, kernel_w = row[KERNEL_H], row[KERNEL_W]
    out_depth = row[OFM + F_DEPTH]
    in_depth = 1 if depthwise else row[IFM + F_DEPTH]
    block, ublock, in_block = row[BLOCK_DEPTH], row[UBLOCK_DEPTH], row[IFM_BLOCK_DEPTH]
    in_ublock = 1 if depthwise else _IFM_UBLOCK
    multiple = row[ELEMENT_MULTIPLE]
    n = 0
    for o_block in range(0, out_depth, block):
        o_end = min(block, out_depth - o_block)
        for i_block in range(0, in_depth, in_block):
            if depthwise:
                clipped = _IFM_UBLOCK
            elif part_kernel:
                clipped = min(in_block, in_depth - i_block)
            else:
                clipped = in_block
            outer, inner = (clipped, 1) if part_kernel else (1, clipped)
            for y0 in range(0, kernel_h, row[DECOMPOSE_Y]):
                height = min(kernel_h - y0, row[DECOMPOSE_Y])
                for x0 in range(0, kernel_w, row[DECOMPOSE_X]):
                    width = min(kernel_w - x0, row[DECOMPOSE_X])
                    elements = (height * width + multiple - 1) // multiple * multiple
                    for i_outer in range(0, outer, _IFM_UBLOCK):
                        for o_micro in range(0, o_end, ublock):
                            for element in range(elements):
                                y, x = element // width, element % width
                                for i_inner in range(0, inner, _IFM_UBLOCK):
                                    if placing:
                                        o, i = o_block + o_micro, i_block + i_outer + i_inner
                                        for micro in range(ublock):
                                            for deep in range(in_ublock):
                                                if (
                                                    y < height
                                                    and o + micro < out_depth
                                                    and i + deep < in_depth
                                                ):
                                                    at = _place(
                                                        row, o + micro, y0 + y, x0 + x, i + deep
                                                    )
                                                    out[at] = stream[n + micro * in_ublock + deep]
                                    n += ublock * in_ublock
    return n


@kernel
def _decode_scales(row, data, into):  # type: ignore[no-untyped-def]
    """Unpack the ten-byte records: 40-bit bias, 32-bit scale, 6-bit shift."""
    depth = row[OFM + F_DEPTH]
    lanes = (depth + LANES - 1) // LANES * LANES
    for c in range(depth):
        record = data[c * _RECORD : c * _RECORD + _RECORD]
        bias = np.int64(0)
        for i in range(5):
            bias |= np.int64(record[i]) << (8 * i)
        scale = np.int64(0)
        for i in range(4):
            scale |= np.int64(record[5 + i]) << (8 * i)
        shift = np.int64(record[9] & 0x3F)
        up, down = rounding_terms(shift, row[ROUNDING], 0)
        into[c] = (bias ^ (1 << 39)) - (1 << 39)
        into[lanes + c] = scale
        into[2 * lanes + c] = shift
        into[3 * lanes + c] = up
        into[4 * lanes + c] = down


@allocating
def refill(memory, row, slot):  # type: ignore[no-untyped-def]
    """Decode what memory holds now into a slot; returns 0 or an error code."""
    slot[S_VALID] = 0
    length, scale_length = row[WEIGHT_LENGTH], row[SCALE_LENGTH]
    copy = slot[slot[S_COPY] :].view(np.uint8)
    source = memory[row[WEIGHT_ADDRESS] : row[WEIGHT_ADDRESS] + length]
    for i in range(length):
        copy[i] = source[i]
    records = copy[length:]
    source = memory[row[SCALE_ADDRESS] : row[SCALE_ADDRESS] + scale_length]
    for i in range(scale_length):
        records[i] = source[i]
    _decode_scales(row, records, slot[slot[S_SCALES] :])
    if length:
        data = np.zeros(length + mlw.SLACK, np.uint8)
        for i in range(length):
            data[i] = copy[i]
        expected = slot[S_WEIGHT_COUNT]
        stream = np.empty(expected, np.int16)
        count = mlw.decode(data, length, stream)
        if count < 0:
            return count
        if count != expected:
            return WRONG_COUNT
        walk(row, stream, slot[slot[S_WEIGHTS] :].view(np.int16), True)
    slot[S_VALID] = 1
    return 0


@kernel
def current(memory, row, slot):  # type: ignore[no-untyped-def]
    """Whether the slot holds what memory holds now."""
    if not slot[S_VALID]:
        return False
    length, scale_length = row[WEIGHT_LENGTH], row[SCALE_LENGTH]
    copy = slot[slot[S_COPY] :]
    return not (
        _differs(memory, row[WEIGHT_ADDRESS], copy, length)
        or _differs(memory, row[SCALE_ADDRESS], copy[length >> 3 :], scale_length)
    )
