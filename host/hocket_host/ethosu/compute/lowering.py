# SPDX-License-Identifier: Apache-2.0
"""Operations become rows of a program: all that can be computed before addresses are known.

`lower` fills one row of `kernels.row` and says how large its weight slot and its part of the work
array are. Addresses in a row are relative to their regions; `BoundStream` adds the bases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..config import NpuConfig
from ..stream.isa import Cmd, CommandStreamError
from ..stream.operands import (
    SIGMOID,
    TANH,
    UNARY,
    Clip,
    Elementwise,
    FeatureMap,
    IfmScale,
)
from ..stream.operation import Operation
from .kernels import row as r
from .kernels.conv import LANES, STEP, TAPS
from .kernels.scaling import rounding_terms
from .kernels.weights import (
    S_COPY,
    S_SCALES,
    S_TAP_COUNT,
    S_TAPS,
    S_WEIGHT_COUNT,
    S_WEIGHTS,
    SLOT_HEAD,
    walk,
)

Words = NDArray[np.int64]

_RANGES = {
    (8, True): (-128, 127),
    (8, False): (0, 255),
    (16, True): (-32768, 32767),
    (16, False): (0, 65535),
    (32, True): (-(1 << 31), (1 << 31) - 1),
    (32, False): (0, (1 << 32) - 1),
}
_FORCED = {
    Clip.FORCE_UINT8: _RANGES[8, False],
    Clip.FORCE_INT8: _RANGES[8, True],
    Clip.FORCE_INT16: _RANGES[16, True],
}
_SLACK_ELEMENTS = 64
#: Bytes of buffers: far more than any network needs, and little enough to allocate.
_WORK_LIMIT = 1 << 30


@dataclass(frozen=True)
class Lowered:
    """One operation, ready but for its addresses."""

    row: Words
    addresses: tuple[tuple[int, int], ...]
    """Fields that hold region offsets, with their regions."""
    slot: Words | None
    """Contents of its weight slot before the first use."""
    slot_key: tuple[int, ...] | None
    """Operations with equal keys use the same weights."""
    work: int
    """Bytes of work array beyond SHRAM."""


def _align(n: int, to: int = 64) -> int:
    return -(-n // to) * to


def _invalid(op: Operation, what: str, found: object, expected: str) -> CommandStreamError:
    return CommandStreamError(
        what, where=f"command stream word {op.word}", found=found, expected=expected
    )


def _put_map(row: Words, at: int, fm: FeatureMap, op: Operation) -> list[tuple[int, int]]:
    size = fm.element_bytes
    if size not in (1, 2, 4):
        raise _invalid(op, "feature map precision", f"{fm.bits} bits", "8, 16 or 32 bits")
    strides = [fm.stride_y, fm.stride_c if fm.nhcwb16 else fm.stride_x]
    used = {t[0] for t in fm.tiles()}
    if any(n % size for n in strides + [fm.bases[t] for t in used]):
        raise _invalid(
            op, "feature map is not aligned to its elements",
            f"bases {[hex(fm.bases[t]) for t in used]}, strides {strides}", f"multiples of {size}",
        )  # fmt: skip
    row[at + r.F_HEIGHT0], row[at + r.F_HEIGHT1] = fm.height0, fm.height1
    row[at + r.F_WIDTH0] = fm.width0
    row[at + r.F_STRIDE_Y], row[at + r.F_STRIDE_X] = fm.stride_y, fm.stride_x
    row[at + r.F_STRIDE_C] = fm.stride_c
    row[at + r.F_HEIGHT], row[at + r.F_WIDTH], row[at + r.F_DEPTH] = fm.height, fm.width, fm.depth
    row[at + r.F_BYTES], row[at + r.F_SIGNED] = size, fm.signed
    row[at + r.F_NHCWB16], row[at + r.F_ZERO_POINT] = fm.nhcwb16, fm.zero_point
    for tile in used:
        row[at + r.F_BASE0 + tile] = fm.bases[tile]
    return [(at + r.F_BASE0 + tile, fm.region) for tile in used]


def _put_scaling(row: Words, scale: int, shift: int, rounding: int) -> None:
    row[r.SCALE], row[r.SHIFT] = scale, shift
    row[r.ROUND_UP], row[r.ROUND_DOWN] = (
        int(t) for t in rounding_terms(np.int64(shift), rounding, 0)
    )


def lut_base(config: NpuConfig) -> int:
    """SHRAM offset of look-up table slot 0: tables live in the last two banks.

    Vela plans for 2048 bytes whatever the size of the table, also where no banks are reserved.
    """
    return config.shram_bytes - 2048


def _clip_range(op: Operation, ofm: FeatureMap) -> tuple[int, int, bool]:
    """Lowest and highest value of the OFM, and whether the range is a signed one.

    A 32-bit OFM is only clipped when its clip range is forced.
    """
    low, high = _RANGES[ofm.bits, ofm.signed]
    forced = _FORCED.get(op.clip)
    if forced is None and ofm.bits == 32:
        return low, high, ofm.signed
    signed = ofm.signed if forced is None else forced[0] < 0
    minimum, maximum = op.register(Cmd.ACTIVATION_MIN), op.register(Cmd.ACTIVATION_MAX)
    if signed:
        minimum, maximum = (v - 65536 if v & 0x8000 else v for v in (minimum, maximum))
    low, high = max(low, minimum), min(high, maximum)
    if forced is not None:
        low, high = max(low, forced[0]), min(high, forced[1])
    if low > high:
        raise _invalid(
            op, "clip range is empty", f"[{low}, {high}]", "a lowest and a highest value"
        )
    return low, high, signed


def _put_activation(row: Words, op: Operation, config: NpuConfig) -> None:
    ofm = op.ofm()
    low, high, signed = _clip_range(op, ofm)
    if ofm.bits < 32 or op.clip in _FORCED:
        row[r.OUT_ZERO] = ofm.zero_point
    row[r.CLIP_LOW], row[r.CLIP_HIGH] = low, high
    row[r.SCALED_ZERO], row[r.SCALED_LOW], row[r.SCALED_HIGH] = row[r.OUT_ZERO], low, high
    activation = op.activation
    if activation in (TANH, SIGMOID):
        row[r.ACTIVATION] = r.ACT_TANH if activation == TANH else r.ACT_SIGMOID
        row[r.SCALED_ZERO] = 0
        row[r.SCALED_LOW], row[r.SCALED_HIGH] = _RANGES[32, True]
    elif op.lut_slot is not None:
        row[r.LUT_ADDRESS] = lut_base(config) + 256 * op.lut_slot
        kinds = {256: r.ACT_LUT8, 1024: r.ACT_LUT8_TO_32, 2048: r.ACT_LUT16}
        row[r.ACTIVATION] = kinds[op.lut_bytes]
        first, last = _RANGES[16, True] if op.lut_bytes == 2048 else _RANGES[8, signed]
        row[r.LUT_FIRST_INDEX] = first
        if low < first or high > last:
            raise _invalid(
                op, "clip range exceeds the look-up table", f"[{low}, {high}]",
                f"within [{first}, {last}]",
            )  # fmt: skip
    elif activation:
        raise _invalid(op, "activation function", activation, "none, TANH, SIGMOID or a table")


def _put_window(row: Words, op: Operation) -> None:
    kernel, ofm = op.kernel(), op.ofm()
    row[r.UPSCALE] = op.upscale
    row[r.PAD_TOP], row[r.PAD_LEFT] = kernel.pad_top, kernel.pad_left
    row[r.PAD_BOTTOM], row[r.PAD_RIGHT] = kernel.pad_bottom, kernel.pad_right
    row[r.KERNEL_H] = (kernel.height - 1) // kernel.dilation_y + 1
    row[r.KERNEL_W] = (kernel.width - 1) // kernel.dilation_x + 1
    row[r.STRIDE_Y], row[r.STRIDE_X] = kernel.stride_y, kernel.stride_x
    row[r.DILATION_Y], row[r.DILATION_X] = kernel.dilation_y, kernel.dilation_x
    row[r.PADDED_H] = (ofm.height - 1) * kernel.stride_y + kernel.height
    row[r.PADDED_W] = (ofm.width - 1) * kernel.stride_x + kernel.width
    inside = (
        int(row[r.PADDED_H]) - kernel.pad_top - kernel.pad_bottom,
        int(row[r.PADDED_W]) - kernel.pad_left - kernel.pad_right,
    )
    if min(inside) < 1:
        raise _invalid(op, "windows lie in the padding only", f"{inside} of input", "1 or more")


def _put_weight_order(row: Words, op: Operation, config: NpuConfig) -> None:
    kernel, ifm = op.kernel(), op.ifm()
    row[r.BLOCK_DEPTH] = op.register(Cmd.OFM_BLK_DEPTH_M1) + 1
    row[r.UBLOCK_DEPTH] = config.ofm_ublock[2]
    row[r.DECOMPOSE_Y], row[r.DECOMPOSE_X] = 8 // kernel.dilation_y, 8 // kernel.dilation_x
    wide = ifm.bits == 16
    if op.key == Cmd.NPU_OP_DEPTHWISE:
        order, multiple = r.DEPTHWISE_ORDER, 4
    elif kernel.part_kernel_first:
        order, multiple = r.PART_KERNEL_FIRST, 2 if wide else 4
    else:
        order, multiple = r.DEPTH_FIRST, 1
    row[r.TRAVERSAL], row[r.ELEMENT_MULTIPLE] = order, multiple
    row[r.IFM_BLOCK_DEPTH] = 16 if wide or order == r.PART_KERNEL_FIRST else 32
    depth, height, width = ifm.depth, int(row[r.KERNEL_H]), int(row[r.KERNEL_W])
    if order == r.DEPTHWISE_ORDER:
        row[r.RUNS], row[r.RUN_LENGTH] = 1, _align(height * width, TAPS)
    elif kernel.dilation_x == 1:
        row[r.RUNS], row[r.RUN_LENGTH] = height, _align(width * depth, STEP)
    else:
        row[r.RUNS], row[r.RUN_LENGTH] = height * width, _align(depth, STEP)


def _weight_slot(row: Words, op: Operation) -> Words:
    """An empty slot: head, copy of the compressed bytes, scales, taps, weights."""
    lanes = _align(op.ofm().depth, LANES)
    taps: list[int] = []
    weights = 0
    if op.key == Cmd.NPU_OP_DEPTHWISE:
        width, depth = int(row[r.KERNEL_W]), op.ifm().depth
        pitch = int(row[r.PADDED_W]) * depth
        taps = [
            y * int(row[r.DILATION_Y]) * pitch + x * int(row[r.DILATION_X]) * depth
            for y in range(int(row[r.KERNEL_H]))
            for x in range(width)
        ]
        taps += [0] * (int(row[r.RUN_LENGTH]) - len(taps))
    if op.key != Cmd.NPU_OP_POOL:
        weights = lanes * int(row[r.RUNS]) * int(row[r.RUN_LENGTH])
    copy = SLOT_HEAD
    scales = copy + _align(int(row[r.WEIGHT_LENGTH] + row[r.SCALE_LENGTH]), 8) // 8
    at_taps = scales + 5 * lanes
    at_weights = at_taps + len(taps)
    slot = np.zeros(_align(at_weights + -(-weights // 4), 8), np.int64)
    slot[S_COPY], slot[S_SCALES], slot[S_WEIGHTS] = copy, scales, at_weights
    slot[S_TAPS], slot[S_TAP_COUNT] = at_taps, len(taps)
    slot[at_taps : at_taps + len(taps)] = taps
    if weights:
        none = np.empty(0, np.int16)
        slot[S_WEIGHT_COUNT] = walk(row, none, none, False)
    return slot


def _put_work(row: Words, op: Operation, shram_bytes: int) -> int:
    """Lay the work array out for one operation; returns its size in bytes."""
    ofm, ifm = op.ofm(), op.ifm()
    elements, second = ofm.height * ofm.width * ofm.depth, 0
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        other = op.ifm2()
        second = elements + (other.height * other.width * other.depth if other else 0)
    else:
        elements = int(row[r.PADDED_H] * row[r.PADDED_W]) * ifm.depth
    element = 2 if op.key in (Cmd.NPU_OP_CONV, Cmd.NPU_OP_DEPTHWISE) and ifm.bits == 8 else 4
    lanes = _align(max(ofm.depth, ifm.depth), LANES)
    at = _align(shram_bytes)
    for field, size in (
        (r.WORK_IFM, (elements + _SLACK_ELEMENTS) * element),
        (r.WORK_IFM2, second * 4),
        (r.WORK_ACC, ofm.width * lanes * 8),
        (r.WORK_LINE, ofm.width * lanes * 4),
    ):
        row[field] = at
        at += _align(size)
    if at > _WORK_LIMIT:
        raise _invalid(op, "operation is larger than the model takes", f"{at} bytes of buffers",
                       f"at most {_WORK_LIMIT}")  # fmt: skip
    return at - shram_bytes


def _put_operands(row: Words, op: Operation) -> list[tuple[int, int]]:
    """Second operand and operand scaling of an elementwise operation."""
    row[r.UPSCALE] = op.upscale
    if op.param in UNARY:
        return []
    second, first = op.ifm2(), op.ifm()
    row[r.SWAPPED] = op.ifm_is_operand_b
    addresses = []
    if second is None:
        precision = op.register(Cmd.IFM2_PRECISION)
        value, zero = op.register(Cmd.IFM2_SCALAR), op.register(Cmd.IFM2_ZERO_POINT)
        if precision & 1:
            value, zero = (v - 65536 if v & 0x8000 else v for v in (value, zero))
        row[r.SCALAR], row[r.SCALAR_VALUE] = 1, value - zero
    else:
        addresses = _put_map(row, r.IFM2, second, op)
    if op.param in (Elementwise.ADD, Elementwise.SUB):
        a, b = op.register(Cmd.OPA_SCALE), op.register(Cmd.OPB_SCALE)
        row[r.A_SCALE], row[r.B_SCALE] = a & 0xFFFF_FFFF, b & 0xFFFF_FFFF
        if op.ifm_scale != IfmScale.BOTH_16:
            # One operand gets 32 bits of scale and a shift that is already reduced by the
            # operand's own 20 (8-bit) or 15 (16-bit); the other stands for one half.
            preshift = 20 if first.bits == 8 else 15
            shift = a >> 32 & 0x3F
            terms = [int(t) for t in rounding_terms(np.int64(shift), op.ifm_rounding, preshift)]
            wide = [a & 0xFFFF_FFFF, shift, *terms]
            plain = [1 << (preshift - 1), 0, 0, 0]
            on_a = op.ifm_scale == IfmScale.OPA_32
            row[r.A_SCALE : r.A_SCALE + 4] = wide if on_a else plain
            row[r.B_SCALE : r.B_SCALE + 4] = plain if on_a else wide
    return addresses


def lower(op: Operation, config: NpuConfig) -> Lowered:
    """Compile one operation.

    Raises
    ------
    CommandStreamError
        It reads a register that was never set, or its registers do not make sense.
    """
    for key in sorted(op.reads()):
        op.register(key)
    row = np.zeros(r.ROW, np.int64)
    if op.is_dma:
        return _lower_dma(row, op)
    ifm, ofm = op.ifm(), op.ofm()
    row[r.KIND] = {
        Cmd.NPU_OP_CONV: r.CONV,
        Cmd.NPU_OP_DEPTHWISE: r.DEPTHWISE,
        Cmd.NPU_OP_POOL: r.POOL,
        Cmd.NPU_OP_ELEMENTWISE: r.ELEMENTWISE,
    }[Cmd(op.key)]
    row[r.MODE] = op.param
    addresses = _put_map(row, r.IFM, ifm, op) + _put_map(row, r.OFM, ofm, op)
    row[r.ROUNDING], row[r.GLOBAL_SCALE] = op.ofm_rounding, op.global_scale
    if op.global_scale and op.key in (Cmd.NPU_OP_POOL, Cmd.NPU_OP_ELEMENTWISE):
        scale = op.register(Cmd.OFM_SCALE)
        _put_scaling(row, scale & 0xFFFF_FFFF, scale >> 32 & 0x3F, op.ofm_rounding)
    else:
        _put_scaling(row, 1, 0, op.ofm_rounding)
    _put_activation(row, op, config)
    if op.key == Cmd.NPU_OP_ELEMENTWISE:
        if not 0 <= op.param <= Elementwise.SHL:
            raise _invalid(op, "elementwise mode", op.param, "0 to 9")
        addresses += _put_operands(row, op)
        return Lowered(row, tuple(addresses), None, None, _put_work(row, op, config.shram_bytes))
    _put_window(row, op)
    slot, slot_key = _put_weights(row, op, config, addresses)
    return Lowered(row, tuple(addresses), slot, slot_key, _put_work(row, op, config.shram_bytes))


def _put_weights(
    row: Words, op: Operation, config: NpuConfig, addresses: list[tuple[int, int]]
) -> tuple[Words | None, tuple[int, ...] | None]:
    """Weights and scales of a windowed operation: its slot and the slot's key, if it has any."""
    ifm, ofm = op.ifm(), op.ofm()
    weights, scales = op.weights(), op.scales()
    if weights is not None:
        if ifm.bits == 32:
            raise _invalid(op, "IFM precision of a convolution", "32 bits", "8 or 16 bits")
        _put_weight_order(row, op, config)
        row[r.WEIGHT_ADDRESS], row[r.WEIGHT_LENGTH] = weights.start, weights.length
        addresses.append((r.WEIGHT_ADDRESS, weights.region))
    elif not 0 <= op.param <= 2:
        raise _invalid(op, "pooling mode", op.param, "0 to 2")
    reduces = op.key == Cmd.NPU_OP_CONV or (op.key == Cmd.NPU_OP_POOL and op.param == 2)
    if not reduces and ifm.depth != ofm.depth:
        raise _invalid(
            op, "IFM and OFM depth differ", f"{ifm.depth} and {ofm.depth}", "equal depths"
        )
    if scales is None:
        return None, None
    if scales.length < 10 * ofm.depth or scales.length % 8 or scales.start % 8:
        raise _invalid(
            op, "scale records", f"{scales.length} bytes at {scales.start:#x}",
            f"10 bytes for each of {ofm.depth} channels, in multiples of 16",
        )  # fmt: skip
    if weights is not None and (weights.start % 8 or weights.length % 8):
        raise _invalid(
            op, "weights are not aligned", f"{weights.length} bytes at {weights.start:#x}",
            "multiples of 16",
        )  # fmt: skip
    row[r.SCALE_ADDRESS], row[r.SCALE_LENGTH] = scales.start, scales.length
    addresses.append((r.SCALE_ADDRESS, scales.region))
    slot_key = (
        scales.region, scales.start, scales.length,
        *((weights.region, weights.start, weights.length) if weights else (0, 0, 0)),
        *(int(v) for v in row[r.BLOCK_DEPTH : r.ELEMENT_MULTIPLE + 1]),
        *(int(v) for v in row[r.KERNEL_H : r.PADDED_W + 1]), ifm.depth, ofm.depth,
        int(row[r.ROUNDING]), op.key,
    )  # fmt: skip
    return _weight_slot(row, op), slot_key


def _lower_dma(row: Words, op: Operation) -> Lowered:
    copy = op.dma()
    row[r.KIND] = r.DMA_COPY
    row[r.DMA_SOURCE], row[r.DMA_DESTINATION] = copy.source.start, copy.destination.start
    row[r.DMA_LENGTH] = copy.source.length
    row[r.DMA_FROM_SHRAM], row[r.DMA_TO_SHRAM] = copy.source_internal, copy.destination_internal
    addresses = []
    if not copy.source_internal:
        addresses.append((r.DMA_SOURCE, copy.source.region))
    if not copy.destination_internal:
        addresses.append((r.DMA_DESTINATION, copy.destination.region))
    return Lowered(row, tuple(addresses), None, None, 0)
