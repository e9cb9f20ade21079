# SPDX-License-Identifier: Apache-2.0
"""Layers cut along their inputs: 32-bit sums, scaled once."""

from functools import cache

import numpy as np
import pytest

from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Elementwise, PoolMode
from hocket_host.ethosu.timing.timing import operation_cycles
from hocket_lab.bench.bounds import system_of
from hocket_lab.exact.cases.dense import FullyConnected, TiedFullyConnected
from hocket_lab.exact.device import Device
from hocket_lab.exact.sweep import feed
from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.model import read_tflite
from hocket_tools.tile import bound_tiles
from hocket_tools.tile.origins import Origins
from hocket_tools.tile.partial import possible, scratch_bytes
from hocket_tools.tile.window import with_registers
from hocket_tools.vela import VelaOptions, compile_model

CASES = [
    FullyConnected("few-of-many", depth=6001, channels=3),
    FullyConnected("per-channel", depth=5000, channels=4, per_channel=True),
    FullyConnected("one-output", depth=4096, channels=1, activation="relu"),
    FullyConnected("without-bias", depth=3000, channels=7, bias=False),
    TiedFullyConnected("ties", depth=4000, channels=8, weight_zero_share=0.5),
]


def summed(operations):
    return any(op.key == Cmd.NPU_OP_POOL and op.param == PoolMode.REDUCE_SUM for op in operations)


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-128", "ethos-u65-256"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_sums_over_parts_of_the_inputs_are_the_interpreters(case, accelerator):
    model = case.model()
    compiled = compile_model(model, VelaOptions(accelerator))
    system = system_of(compiled)
    longest = max(
        operation_cycles(op, compiled.npu, system).nominal for op in compiled.stream.operations
    )
    oracle = Oracle(model)
    for bound in (longest // 2 + 400, longest // 5 + 400):
        tiled = bound_tiles(compiled, bound, system)
        device = Device(tiled)
        for inputs in feed(read_tflite(model), case):
            device.set_inputs(inputs)
            device.run()
            np.testing.assert_array_equal(device.outputs()[0], oracle.run(inputs)[0])


def test_a_layer_of_few_outputs_takes_hardly_longer_in_parts():
    compiled = compile_model(CASES[0].model(), VelaOptions("ethos-u55-128"))
    system = system_of(compiled)
    tiled = bound_tiles(compiled, 10000, system)
    operations = tiled.stream.operations
    assert summed(operations)
    assert any(
        op.key == Cmd.NPU_OP_ELEMENTWISE and op.param == Elementwise.ADD for op in operations
    )
    before, after = (
        sum(operation_cycles(op, m.npu, system).nominal for op in m.stream.operations)
        for m in (compiled, tiled)
    )
    assert after < before * 103 // 100


def test_every_scale_is_applied_to_its_own_channels():
    compiled = compile_model(CASES[1].model(), VelaOptions("ethos-u55-128"))
    tiled = bound_tiles(compiled, 12000, system_of(compiled))
    reductions = [op for op in tiled.stream.operations if op.key == Cmd.NPU_OP_POOL]
    assert len({op.register(Cmd.OFM_SCALE) for op in reductions}) == 4


def test_sums_find_room_in_the_scratch():
    compiled = compile_model(CASES[0].model(), VelaOptions("ethos-u55-128"))
    tiled = bound_tiles(compiled, 10000, system_of(compiled))
    ends = [
        access.end
        for op in tiled.stream.operations
        for access in op.accesses()
        if access.region == tiled.arena_region
    ]
    assert max(ends) <= tiled.scratch_size <= compiled.scratch_size + 64


@cache
def layer():
    """A layer that can be cut along its inputs, and its weights."""
    compiled = compile_model(CASES[0].model(), VelaOptions("ethos-u55-128"))
    origins = Origins(compiled)
    index = next(i for i, op in enumerate(compiled.stream.operations) if not op.is_dma)
    return compiled.stream.operations[index], origins.slicer(index)


def test_a_layer_of_8_bits_over_one_pixel_can_be_cut_along_its_inputs():
    op, slicer = layer()
    assert possible(op, slicer)
    assert not possible(op, None)


#: Each alone makes sums something else than the layer.
OTHERWISE = {
    "a window of two rows": {Cmd.KERNEL_HEIGHT_M1: 1},
    "a window of two columns": {Cmd.KERNEL_WIDTH_M1: 1},
    "two rows of output": {Cmd.OFM_HEIGHT_M1: 1},
    "two columns of output": {Cmd.OFM_WIDTH_M1: 1},
    "two rows of input": {Cmd.IFM_HEIGHT0_M1: 1, Cmd.IFM_PAD_BOTTOM: 0, Cmd.OFM_HEIGHT_M1: 1},
    "an activation": {Cmd.ACTIVATION: 3},
    "accumulators of 40 bits": {Cmd.ACC_FORMAT: 1},
    "an enlarged input": {Cmd.IFM_UPSCALE: 1},
    "16 inputs, which one product takes": {Cmd.IFM_DEPTH_M1: 15},
}  # fmt: skip


@pytest.mark.parametrize("changes", OTHERWISE.values(), ids=OTHERWISE)
def test_another_layer_is_not(changes):
    op, slicer = layer()
    changed = with_registers(op, {int(key): value for key, value in changes.items()})
    assert not possible(changed, slicer)


def test_sums_take_two_rows_of_32_bits_in_whole_granules():
    op, _ = layer()
    assert scratch_bytes(op) == 2 * 16  # three outputs
    deeper = with_registers(op, {int(Cmd.OFM_DEPTH_M1): 8})
    assert scratch_bytes(deeper) == 2 * 48
