# SPDX-License-Identifier: Apache-2.0
"""Kernels on handwritten streams against direct statements of what they compute."""

from __future__ import annotations

import numpy as np
import pytest
from _kernel_streams import (
    ARENA,
    FLASH,
    GLOBAL,
    NATURAL,
    Registers,
    bind,
    common,
    copy_registers,
    feature_map,
    fresh_memory,
    get,
    put,
    scale_records,
    stream,
    window,
)
from ethosu import mlw_codec
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Elementwise, PoolMode

WEIGHTS, SCALES = 0, 8192
OUT = 16384
Ints = NDArray[np.int64]


def _encode(
    weights: Ints,
    accelerator: str,
    *,
    block_depth: int,
    depthwise: bool,
    part_kernel: bool,
    bits: int,
    dilation: tuple[int, int],
) -> bytes:
    """Weights are OHWI, depthwise 1HWC."""
    config = npu_config(accelerator)
    if depthwise:
        weights = weights.transpose(3, 1, 2, 0)
    data, _ = mlw_codec.reorder_encode(
        config.ifm_ublock_depth, config.ofm_ublock[2], weights.astype(np.int16), block_depth,
        int(depthwise), int(part_kernel), bits, 8 // dilation[0], 8 // dilation[1],
    )  # fmt: skip
    return bytes(data) + b"\xff" * (-len(data) % 16)


def _convolved(ifm: Ints, weights: Ints, stride: tuple[int, int], dilation: tuple[int, int],
               padding: tuple[int, int, int, int], depthwise: bool) -> Ints:  # fmt: skip
    """Accumulators of a convolution; weights are OHWI, depthwise 1HWC."""
    top, left, bottom, right = padding
    x = np.pad(ifm, ((top, bottom), (left, right), (0, 0)))
    kh, kw = weights.shape[1:3]
    height = (x.shape[0] - (kh - 1) * dilation[0] - 1) // stride[0] + 1
    width = (x.shape[1] - (kw - 1) * dilation[1] - 1) // stride[1] + 1
    total = 0
    for i in range(kh):
        for j in range(kw):
            y0, x0 = i * dilation[0], j * dilation[1]
            part = x[y0 : y0 + height * stride[0] : stride[0],
                     x0 : x0 + width * stride[1] : stride[1]]  # fmt: skip
            tap = weights[:, i, j, :]
            total = total + (part * tap[0] if depthwise else part @ tap.T)
    return total


@given(st.data())
@settings(max_examples=120)
def test_convolution_equals_its_definition(data: st.DataObject) -> None:
    draw = data.draw
    accelerator = draw(st.sampled_from(["ethos-u55-32", "ethos-u55-128", "ethos-u65-256"]))
    depthwise, bits = draw(st.booleans()), draw(st.sampled_from([8, 16]))
    part_kernel = not depthwise and draw(st.booleans())
    depth, out_depth = draw(st.integers(1, 37)), draw(st.integers(1, 37))
    kernel = draw(st.integers(1, 10)), draw(st.integers(1, 10))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    padding = tuple(draw(st.integers(0, 1)) for _ in range(4))
    zero = draw(st.integers(-128, 127)) if bits == 8 else 0
    out_depth = depth if depthwise else out_depth
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    height, width = (
        (kernel[a] - 1) * dilation[a] + 1 + stride[a] * draw(st.integers(0, 3)) for a in range(2)
    )
    height, width = height - padding[0] - padding[2], width - padding[1] - padding[3]
    if height < 1 or width < 1 or height * width * depth * bits // 8 > OUT:
        return
    limit = 1 << (bits - 1)
    ifm = rng.integers(-limit, limit, (height, width, depth))
    weights = rng.integers(-127, 128, (1 if depthwise else out_depth, *kernel, depth))
    block = draw(st.sampled_from([8, 16, 24, 32]))
    encoded = _encode(
        weights, accelerator, block_depth=block, depthwise=depthwise, part_kernel=part_kernel,
        bits=bits, dilation=dilation,
    )  # fmt: skip
    if len(encoded) > SCALES:
        return
    expected = _convolved(ifm - zero, weights, stride, dilation, padding, depthwise)
    bias = [int(b) for b in rng.integers(-(1 << 20), 1 << 20, out_depth)]
    memory = fresh_memory()
    put(memory, FLASH + WEIGHTS, encoded)
    put(memory, FLASH + SCALES, scale_records([(b, 1, 0) for b in bias]))
    put(memory, ARENA, ifm.astype(np.int8 if bits == 8 else np.int16))
    registers: Registers = {
        **common(),
        **feature_map("IFM", ifm.shape, 0, bits=bits, zero=zero),
        **feature_map("OFM", expected.shape, OUT, bits=32, precision=NATURAL),
        **window(*kernel, stride=stride, dilation=dilation, padding=padding,
                 part_kernel=part_kernel),
        Cmd.OFM_BLK_DEPTH_M1: block - 1,
        Cmd.WEIGHT_REGION: 0, Cmd.WEIGHT_BASE: WEIGHTS, Cmd.WEIGHT_LENGTH: len(encoded),
        Cmd.SCALE_REGION: 0, Cmd.SCALE_BASE: SCALES,
        Cmd.SCALE_LENGTH: -(-10 * out_depth // 16) * 16,
    }  # fmt: skip
    operation = Cmd.NPU_OP_DEPTHWISE if depthwise else Cmd.NPU_OP_CONV
    bind(memory, stream((registers, operation, 0)), accelerator).run()
    got = get(memory, ARENA + OUT, expected.shape, np.int32)
    np.testing.assert_array_equal(got, expected + np.array(bias))


def _elementwise(
    mode: Elementwise, a: Ints, b: Ints | int | None, *, bits: int = 8, out_bits: int = 32,
    extra: Registers | None = None,
) -> Ints:  # fmt: skip
    kind = {8: np.int8, 16: np.int16, 32: np.int32}
    memory = fresh_memory()
    put(memory, ARENA, a.astype(kind[bits]))
    registers: Registers = {
        **common(),
        **feature_map("IFM", a.shape, 0, bits=bits),
        **feature_map("OFM", a.shape, OUT, bits=out_bits, precision=GLOBAL | NATURAL),
        Cmd.OFM_SCALE: 1, Cmd.OPA_SCALE: 1, Cmd.OPB_SCALE: 1, Cmd.IFM2_IB_START: 2,
    }  # fmt: skip
    if isinstance(b, int):
        code = {8: 0, 16: 1, 32: 2}[bits] << 2
        registers |= {
            Cmd.IFM2_BROADCAST: 1 << 7, Cmd.IFM2_SCALAR: b & 0xFFFF,
            Cmd.IFM2_PRECISION: 1 | code, Cmd.IFM2_ZERO_POINT: 0,
        }  # fmt: skip
    elif b is not None:
        put(memory, ARENA + 8192, b.astype(kind[bits]))
        registers |= feature_map("IFM2", b.shape, 8192, bits=bits)
        registers[Cmd.IFM2_BROADCAST] = sum(
            1 << axis for axis in range(3) if b.shape[axis] != a.shape[axis]
        )
    bind(memory, stream((registers | (extra or {}), Cmd.NPU_OP_ELEMENTWISE, int(mode)))).run()
    return get(memory, ARENA + OUT, a.shape, kind[out_bits])


def _operands(bits: int, shape: tuple[int, int, int] = (3, 4, 5)) -> tuple[Ints, Ints]:
    rng = np.random.default_rng(bits)
    limit = 1 << (min(bits, 16) - 1)
    return rng.integers(-limit, limit, shape), rng.integers(-limit, limit, shape)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize(
    ("mode", "function"),
    [
        (Elementwise.MUL, np.multiply),
        (Elementwise.ADD, np.add),
        (Elementwise.SUB, np.subtract),
        (Elementwise.MIN, np.minimum),
        (Elementwise.MAX, np.maximum),
    ],
)
def test_binary_operations_equal_numpy(mode: Elementwise, function: np.ufunc, bits: int) -> None:
    a, b = _operands(bits)
    np.testing.assert_array_equal(_elementwise(mode, a, b, bits=bits), function(a, b))


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_a_second_operand_of_size_one_is_repeated(axes: tuple[int, ...]) -> None:
    a, b = _operands(8)
    for axis in axes:
        b = np.take(b, [0], axis)
    np.testing.assert_array_equal(_elementwise(Elementwise.ADD, a, b), a + b)


def test_swapped_operands_subtract_the_first_from_the_second() -> None:
    a, _ = _operands(8)
    swapped = {Cmd.IFM2_BROADCAST: 1 << 7 | 1 << 6}
    np.testing.assert_array_equal(_elementwise(Elementwise.SUB, a, 100, extra=swapped), 100 - a)


def test_a_scalar_is_signed_as_its_precision_says() -> None:
    a, _ = _operands(8)
    np.testing.assert_array_equal(_elementwise(Elementwise.MUL, a, -3), a * -3)


def test_leading_zeros_are_those_of_32_bits() -> None:
    a = np.array([0, 1, 2, 0x7FFF_FFFF, -1]).reshape(1, 1, 5)
    got = _elementwise(Elementwise.CLZ, a, None, bits=32)
    assert got.ravel().tolist() == [32, 31, 30, 1, 0]


def test_right_shift_rounds_half_up_in_natural_mode() -> None:
    a = np.array([5, 6, 7, -5, -6, -7]).reshape(1, 1, 6)
    b = np.full((1, 1, 6), 2)
    got = _elementwise(Elementwise.SHR, a, b, bits=32)
    assert got.ravel().tolist() == [1, 2, 2, -1, -1, -2]


def test_leaky_slope_scales_negative_values_only() -> None:
    a = np.array([-100, -3, 0, 3, 100]).reshape(1, 1, 5)
    half = {Cmd.OFM_SCALE: 1 << 30 | 31 << 32}
    got = _elementwise(Elementwise.LRELU, a, None, extra=half)
    assert got.ravel().tolist() == [-50, -1, 0, 3, 100]


def _pool(mode: PoolMode, ifm: Ints, out: tuple[int, int, int], registers: Registers) -> Ints:
    memory = fresh_memory()
    put(memory, ARENA, ifm.astype(np.int8))
    whole: Registers = {
        **common(),
        **feature_map("IFM", ifm.shape, 0),
        **feature_map("OFM", out, OUT, bits=32, precision=GLOBAL | NATURAL),
        Cmd.OFM_SCALE: 1,
        **registers,
    }
    bind(memory, stream((whole, Cmd.NPU_OP_POOL, int(mode)))).run()
    return get(memory, ARENA + OUT, out, np.int32)


def test_padding_never_wins_a_maximum() -> None:
    ifm = np.full((2, 2, 3), -100)
    got = _pool(PoolMode.MAX, ifm, (2, 2, 3), window(3, 3, padding=(1, 1, 1, 1)))
    assert (got == -100).all()


def test_a_padded_average_divides_by_the_elements_inside() -> None:
    ifm = np.arange(4).reshape(2, 2, 1) * 10
    got = _pool(PoolMode.AVERAGE, ifm, (2, 2, 1), window(2, 2, padding=(0, 0, 1, 1)))
    assert got.ravel().tolist() == [15, 20, 25, 30]


def test_reduce_sum_adds_all_channels() -> None:
    ifm, _ = _operands(8, (3, 2, 19))
    got = _pool(PoolMode.REDUCE_SUM, ifm, (3, 2, 1), window())
    np.testing.assert_array_equal(got, ifm.sum(axis=2, keepdims=True))


@pytest.mark.parametrize("upscale", [1, 2])
def test_enlargement_repeats_or_spreads_the_elements(upscale: int) -> None:
    ifm, _ = _operands(8, (2, 3, 5))
    got = _pool(PoolMode.AVERAGE, ifm, (4, 6, 5), window() | {Cmd.IFM_UPSCALE: upscale})
    if upscale == 1:
        expected = ifm.repeat(2, axis=0).repeat(2, axis=1)
    else:
        expected = np.zeros((4, 6, 5), np.int64)
        expected[::2, ::2] = ifm
    np.testing.assert_array_equal(got, expected)


def test_four_tiles_are_read_from_their_own_bases() -> None:
    ifm = np.arange(24).reshape(4, 6, 1)
    registers = window() | feature_map("IFM", (4, 6, 1), 0) | {
        Cmd.IFM_WIDTH0_M1: 3, Cmd.IFM_HEIGHT0_M1: 1, Cmd.IFM_HEIGHT1_M1: 2,
        Cmd.IFM_BASE0: 0, Cmd.IFM_BASE1: 4, Cmd.IFM_BASE2: 12, Cmd.IFM_BASE3: 22,
    }  # fmt: skip
    np.testing.assert_array_equal(_pool(PoolMode.AVERAGE, ifm, (4, 6, 1), registers), ifm)


def test_a_negative_stride_writes_backwards() -> None:
    ifm = np.arange(12).reshape(4, 3, 1)
    backwards = {Cmd.OFM_BASE0: OUT + 3 * 12, Cmd.OFM_STRIDE_Y: (-12) & 0xFFFF_FFFF}
    got = _pool(PoolMode.AVERAGE, ifm, (4, 3, 1), window() | backwards)
    np.testing.assert_array_equal(got, ifm[::-1])


def test_bricks_of_sixteen_channels_keep_every_element() -> None:
    ifm, _ = _operands(8, (2, 3, 37))
    padded = np.pad(ifm, ((0, 0), (0, 0), (0, 11)))
    layout = padded.reshape(2, 3, 3, 16).transpose(0, 2, 1, 3)
    registers = window() | feature_map("IFM", (2, 3, 37), 0, precision=1 << 6) | {
        Cmd.IFM_STRIDE_C: 48, Cmd.IFM_STRIDE_Y: 144,
    }  # fmt: skip
    memory_shape = np.ascontiguousarray(layout).reshape(2, 3, 48)
    whole = registers | feature_map("OFM", (2, 3, 37), OUT, bits=32, precision=GLOBAL | NATURAL)
    memory = fresh_memory()
    put(memory, ARENA, memory_shape.astype(np.int8))
    commands = stream(
        (common() | {Cmd.OFM_SCALE: 1} | whole, Cmd.NPU_OP_POOL, int(PoolMode.AVERAGE))
    )
    bind(memory, commands).run()
    np.testing.assert_array_equal(get(memory, ARENA + OUT, (2, 3, 37), np.int32), ifm)


def _table(
    accelerator: str, table: bytes, ifm: Ints, bits: int, out_bits: int, low: int | None = None
) -> Ints:
    kind = {8: np.int8, 16: np.int16, 32: np.int32}
    memory = fresh_memory()
    put(memory, FLASH, table)
    put(memory, ARENA, ifm.astype(kind[bits]))
    base = npu_config(accelerator).shram_bytes - 2048
    load = copy_registers(0, base, len(table), to_shram=True)
    clip = 3 << 12 if out_bits == 32 else 0
    high = (1 << (bits - 1)) - 1
    low = -high - 1 if low is None else low
    use: Registers = {
        **common(low, high),
        **feature_map("IFM", ifm.shape, 0, bits=bits),
        **feature_map("OFM", ifm.shape, OUT, bits=out_bits, precision=GLOBAL | NATURAL),
        **window(), Cmd.OFM_SCALE: 1, Cmd.ACTIVATION: 16 | clip,
    }  # fmt: skip
    commands = stream(
        (load, Cmd.NPU_OP_DMA_START, 0), (use, Cmd.NPU_OP_POOL, int(PoolMode.AVERAGE))
    )
    bind(memory, commands, accelerator).run()
    return get(memory, ARENA + OUT, ifm.shape, kind[out_bits])


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-256"])
def test_an_8_bit_table_is_indexed_from_the_lowest_value(accelerator: str) -> None:
    ifm = np.arange(-128, 128).reshape(1, 16, 16)
    table = np.random.default_rng(0).integers(-128, 128, 256)
    got = _table(accelerator, table.astype(np.int8).tobytes(), ifm, 8, 8)
    np.testing.assert_array_equal(got.ravel(), table)


def test_values_are_clipped_before_they_index_a_table() -> None:
    ifm = np.arange(-128, 128).reshape(1, 16, 16)
    table = np.random.default_rng(3).integers(-128, 128, 256)
    got = _table("ethos-u55-128", table.astype(np.int8).tobytes(), ifm, 8, 8, low=0)
    np.testing.assert_array_equal(got, table[np.maximum(ifm, 0) + 128])


def test_a_table_of_words_gives_32_bits() -> None:
    ifm = np.arange(-128, 128).reshape(1, 16, 16)
    table = np.random.default_rng(1).integers(-(1 << 31), 1 << 31, 256)
    got = _table("ethos-u55-128", table.astype(np.int32).tobytes(), ifm, 8, 32)
    np.testing.assert_array_equal(got.ravel(), table)


def test_a_16_bit_table_interpolates_between_entries() -> None:
    ifm = np.random.default_rng(2).integers(-32768, 32768, (1, 8, 64))
    base = np.arange(512) * 60 - 16000
    slope = np.full(512, 60)
    pairs = np.stack([base, slope], axis=1).astype(np.int16)
    got = _table("ethos-u55-64", pairs.tobytes(), ifm, 16, 16)
    at = ifm + 32768
    np.testing.assert_array_equal(got, base[at >> 7] + ((60 * (at & 127) + 64) >> 7))


def test_enlargement_ends_where_the_padding_begins() -> None:
    ifm = np.array([[10, 20], [30, 40]]).reshape(2, 2, 1)
    registers = window(2, 2, padding=(0, 0, 1, 1)) | {Cmd.IFM_UPSCALE: 1}
    registers |= {Cmd.IFM_WIDTH0_M1: 1, Cmd.IFM_HEIGHT0_M1: 1}
    got = _pool(PoolMode.MAX, -ifm, (3, 3, 1), registers)
    assert got[..., 0].tolist() == [[-10, -10, -20], [-10, -10, -20], [-30, -30, -40]]
