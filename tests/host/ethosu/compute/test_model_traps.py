# SPDX-License-Identifier: Apache-2.0
"""What the functional model refuses: undefined state, foreign memory, undecodable weights."""

from __future__ import annotations

import numpy as np
import pytest
from _kernel_streams import (
    ARENA,
    BASES,
    EXTENTS,
    FLASH,
    GLOBAL,
    NATURAL,
    SIZE,
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
from numpy.typing import NDArray

from hocket_host.errors import HocketError
from hocket_host.ethosu.compute.model import Extent, NpuBusError, NpuModel, WeightStreamError
from hocket_host.ethosu.config import npu_config
from hocket_host.ethosu.stream.isa import Cmd, CommandStreamError

OUT = 4096
POOL = (Cmd.NPU_OP_POOL, 1)


def _pooling(**changes: int) -> Registers:
    registers: Registers = {
        **common(),
        **feature_map("IFM", (1, 1, 16), 0),
        **feature_map("OFM", (1, 1, 16), OUT, precision=GLOBAL | NATURAL),
        **window(), Cmd.OFM_SCALE: 1,
    }  # fmt: skip
    return registers | {Cmd[name]: value for name, value in changes.items()}


def _load(accelerator: str = "ethos-u55-128") -> Registers:
    base = npu_config(accelerator).shram_bytes - 2048
    return copy_registers(0, base, 256, to_shram=True)


@pytest.mark.parametrize("missing", sorted(_pooling()))
def test_a_register_never_set_in_the_stream_is_refused(missing: Cmd) -> None:
    registers = {key: value for key, value in _pooling().items() if key != missing}
    with pytest.raises(CommandStreamError, match=missing.name):
        bind(fresh_memory(), stream((registers, *POOL)))


def test_a_table_never_loaded_in_the_stream_is_refused() -> None:
    with pytest.raises(CommandStreamError, match="never loaded"):
        bind(fresh_memory(), stream((_pooling(ACTIVATION=16), *POOL)))


def test_a_table_next_to_the_one_loaded_is_refused() -> None:
    commands = stream((_load(), Cmd.NPU_OP_DMA_START, 0), (_pooling(ACTIVATION=17), *POOL))
    with pytest.raises(CommandStreamError, match="never loaded"):
        bind(fresh_memory(), commands)


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-64"])
def test_without_reserved_banks_a_kernel_destroys_the_tables(accelerator: str) -> None:
    load = (_load(accelerator), Cmd.NPU_OP_DMA_START, 0)
    use, plain = (_pooling(ACTIVATION=16), *POOL), (_pooling(ACTIVATION=0), *POOL)
    bind(fresh_memory(), stream(load, use, use), accelerator)
    with pytest.raises(CommandStreamError, match="never loaded"):
        bind(fresh_memory(), stream(load, plain, use), accelerator)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u55-256", "ethos-u65-256"])
def test_with_reserved_banks_tables_survive_other_kernels(accelerator: str) -> None:
    load = (_load(accelerator), Cmd.NPU_OP_DMA_START, 0)
    use, plain = (_pooling(ACTIVATION=16), *POOL), (_pooling(ACTIVATION=0), *POOL)
    bind(fresh_memory(), stream(load, plain, use), accelerator)


def test_a_dma_beyond_shram_is_refused() -> None:
    registers = copy_registers(0, 24 * 1024 - 16, 32, to_shram=True)
    with pytest.raises(CommandStreamError, match="exceeds SHRAM"):
        bind(fresh_memory(), stream((registers, Cmd.NPU_OP_DMA_START, 0)))


@pytest.mark.parametrize(
    "changes",
    [
        {"OFM_BASE0": SIZE - ARENA - 8},
        {"OFM_BASE0": 0xFFFF_FFF0},
        {"IFM_BASE0": SIZE},
        {"IFM_STRIDE_Y": 1 << 20, "IFM_HEIGHT0_M1": 1, "OFM_HEIGHT_M1": 1},
        {"OFM_REGION": 0},
        {"OFM_REGION": 5},
    ],
    ids=["end", "wrap", "beyond", "stride", "read-only", "no-region"],
)
def test_an_access_outside_the_extents_is_refused(changes: dict[str, int]) -> None:
    with pytest.raises((NpuBusError, CommandStreamError)):
        bind(fresh_memory(), stream((_pooling(**changes), *POOL)))


def test_an_access_across_two_extents_is_refused() -> None:
    model = NpuModel(npu_config("ethos-u55-128"), fresh_memory())
    plan = model.compile(stream((_pooling(), *POOL)))
    halves = (Extent(ARENA, 8, True), Extent(ARENA + 8, 8192, True))
    with pytest.raises(NpuBusError):
        model.bind(plan, BASES, halves)


def test_a_16_bit_map_at_an_odd_address_is_refused() -> None:
    registers = _pooling(IFM_PRECISION=1 | 1 << 2, IFM_BASE0=1)
    with pytest.raises(CommandStreamError, match="aligned"):
        bind(fresh_memory(), stream((registers, *POOL)))


def test_equal_streams_share_a_plan_and_equal_bindings_a_bound_plan() -> None:
    model = NpuModel(npu_config("ethos-u55-128"), fresh_memory())
    commands = stream((_pooling(), *POOL))
    plan = model.compile(commands)
    assert model.compile(bytes(bytearray(commands))) is plan
    assert model.bind(plan, BASES, EXTENTS) is model.bind(plan, list(BASES), list(EXTENTS))


def test_operations_beyond_the_stream_cannot_be_run() -> None:
    bound = bind(fresh_memory(), stream((_pooling(), *POOL)))
    with pytest.raises(HocketError, match="no such operations"):
        bound.run(0, 2)


def test_word_ends_point_behind_each_operation() -> None:
    model = NpuModel(npu_config("ethos-u55-128"), fresh_memory())
    commands = stream((_pooling(), *POOL), ({}, *POOL))
    assert model.compile(commands).word_ends == [len(commands) - 8, len(commands) - 4]


class _FullyConnected:
    """One 16x8 matrix; its weights stand where the test puts them."""

    WEIGHTS, SCALES = 2048, 2560

    def __init__(self, region: int) -> None:
        self.memory = fresh_memory()
        self.base = BASES[region]
        self.vector = np.arange(16) - 8
        put(self.memory, ARENA, self.vector.astype(np.int8))
        put(self.memory, self.base + self.SCALES, scale_records([(5, 1, 0)] * 8))
        self.length = 512
        registers: Registers = {
            **common(),
            **feature_map("IFM", (1, 1, 16), 0),
            **feature_map("OFM", (1, 1, 8), OUT, bits=32, precision=NATURAL),
            **window(),
            Cmd.WEIGHT_REGION: region, Cmd.WEIGHT_BASE: self.WEIGHTS,
            Cmd.WEIGHT_LENGTH: self.length,
            Cmd.SCALE_REGION: region, Cmd.SCALE_BASE: self.SCALES, Cmd.SCALE_LENGTH: 80,
        }  # fmt: skip
        self.operation = (registers, Cmd.NPU_OP_CONV, 0)

    def encode(self, weights: NDArray[np.int64]) -> bytes:
        data, _ = mlw_codec.reorder_encode(
            8, 8, weights.reshape(8, 1, 1, 16).astype(np.int16), 16, 0, 0, 8, 8, 8
        )
        return bytes(data) + b"\xff" * (self.length - len(data))

    def load(self, weights: NDArray[np.int64]) -> None:
        put(self.memory, self.base + self.WEIGHTS, self.encode(weights))

    def result(self) -> NDArray[np.int64]:
        return get(self.memory, ARENA + OUT, (8,), np.int32)


def _matrices() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(4)
    return rng.integers(-127, 128, (8, 16)), rng.integers(-127, 128, (8, 16))


@pytest.mark.parametrize("region", [0, 1])
def test_weights_changed_in_memory_are_the_ones_used(region: int) -> None:
    layer = _FullyConnected(region)
    bound = bind(layer.memory, stream(layer.operation))
    for matrix in (*_matrices(), *_matrices()):
        layer.load(matrix)
        bound.run()
        np.testing.assert_array_equal(layer.result(), matrix @ layer.vector + 5)


def test_scales_changed_in_memory_are_the_ones_used() -> None:
    layer = _FullyConnected(1)
    matrix, _ = _matrices()
    layer.load(matrix)
    bound = bind(layer.memory, stream(layer.operation))
    for bias in (5, -(1 << 30), 7):
        put(layer.memory, layer.base + layer.SCALES, scale_records([(bias, 1, 0)] * 8))
        bound.run()
        np.testing.assert_array_equal(layer.result(), matrix @ layer.vector + bias)


def test_a_buffer_refilled_by_dma_holds_other_weights_for_each_use() -> None:
    layer = _FullyConnected(1)
    first, second = _matrices()
    put(layer.memory, FLASH, layer.encode(first) + layer.encode(second))

    def refill(at: int) -> tuple[Registers, Cmd, int]:
        return copy_registers(at, layer.WEIGHTS, layer.length), Cmd.NPU_OP_DMA_START, 0

    again = ({Cmd.OFM_BASE0: OUT + 32}, Cmd.NPU_OP_CONV, 0)
    bound = bind(layer.memory, stream(refill(0), layer.operation, refill(layer.length), again))
    for _ in range(2):
        bound.run()
        np.testing.assert_array_equal(layer.result(), first @ layer.vector + 5)
        got = get(layer.memory, ARENA + OUT + 32, (8,), np.int32)
        np.testing.assert_array_equal(got, second @ layer.vector + 5)


@pytest.mark.parametrize("garbage", [bytes(512), b"\xff" * 512, bytes(range(256)) * 2])
def test_weights_that_do_not_decode_are_an_error_each_time(garbage: bytes) -> None:
    layer = _FullyConnected(1)
    put(layer.memory, layer.base + layer.WEIGHTS, garbage)
    bound = bind(layer.memory, stream(layer.operation))
    for _ in range(2):
        with pytest.raises(WeightStreamError):
            bound.run()


def test_weights_encoded_for_another_block_depth_are_an_error() -> None:
    layer = _FullyConnected(1)
    matrix, _ = _matrices()
    layer.load(matrix)
    registers, operation, parameter = layer.operation
    other = registers | {Cmd.IFM_DEPTH_M1: 39}
    bound = bind(layer.memory, stream((other, operation, parameter)))
    with pytest.raises(WeightStreamError, match="fewer weights"):
        bound.run()


def test_padding_that_leaves_no_input_is_refused() -> None:
    with pytest.raises(CommandStreamError, match="padding only"):
        bind(fresh_memory(), stream((_pooling(IFM_PAD_LEFT=1), *POOL)))


def test_an_operation_with_buffers_beyond_reason_is_refused() -> None:
    huge = {"OFM_HEIGHT_M1": 65535, "OFM_WIDTH_M1": 65535, "OFM_STRIDE_X": 0, "OFM_STRIDE_Y": 0}
    with pytest.raises(CommandStreamError, match="larger than the model takes"):
        bind(fresh_memory(), stream((_pooling(**huge), *POOL)))


def test_an_empty_clip_range_is_refused() -> None:
    with pytest.raises(CommandStreamError, match="clip range is empty"):
        bind(fresh_memory(), stream((_pooling(ACTIVATION_MIN=5, ACTIVATION_MAX=4), *POOL)))
