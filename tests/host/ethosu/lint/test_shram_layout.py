# SPDX-License-Identifier: Apache-2.0
"""Blocks and buffers in SHRAM against the registers that Vela writes."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from hocket_host.ethosu.config import CONFIGS
from hocket_host.ethosu.lint.shram_layout import layout_faults
from hocket_host.ethosu.stream.isa import Cmd
from hocket_host.ethosu.stream.operands import Upscale
from hocket_host.ethosu.timing.shram import Shape, blocks, required_input
from rigs.vela_streams import MODELS, compile_stream

EVERYTHING = [(model, accelerator) for model in MODELS for accelerator in CONFIGS]


def kernels(model, accelerator):
    c = compile_stream(model, accelerator)
    return [op for op in c.operations if not op.is_dma], c.npu


def with_register(op, key, value):
    return replace(op, registers=MappingProxyType({**op.registers, int(key): value}), _cache={})


@pytest.mark.parametrize(("model", "accelerator"), EVERYTHING)
def test_velas_layout_is_recomputed_from_the_blocks(model, accelerator):
    found, npu = kernels(model, accelerator)
    assert [layout_faults(op, npu) for op in found] == [[]] * len(found)


@pytest.mark.parametrize("accelerator", CONFIGS)
@pytest.mark.parametrize("key", [Cmd.AB_START, Cmd.IFM_IB_END])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_shifted_buffer_is_found(accelerator, key, step):
    found, npu = kernels("mlp_kws_int8.tflite", accelerator)
    for op in found:
        assert layout_faults(with_register(op, key, op.register(key) + step), npu)


@pytest.mark.parametrize("accelerator", CONFIGS)
@pytest.mark.parametrize("key", [Cmd.OFM_BLK_HEIGHT_M1, Cmd.OFM_BLK_WIDTH_M1])
def test_a_larger_block_is_found_where_it_does_not_fit(accelerator, key):
    found, npu = kernels("person_detect.tflite", accelerator)
    first = next(op for op in found if op.key == Cmd.NPU_OP_CONV)
    assert layout_faults(with_register(first, key, 4 * (first.register(key) + 1) - 1), npu)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u55-256"])
def test_wider_accumulators_are_found_where_they_do_not_fit(accelerator):
    found, npu = kernels("person_detect.tflite", accelerator)
    first = next(op for op in found if op.key == Cmd.NPU_OP_CONV)
    assert layout_faults(with_register(first, Cmd.ACC_FORMAT, 1), npu)


def test_a_stripe_of_one_row_may_keep_the_placement_of_its_layer():
    found, npu = kernels("mlp_kws_int8.tflite", "ethos-u55-256")
    op = next(o for o in found if o.key == Cmd.NPU_OP_CONV and o.kernel().height == 1)
    assert op.ofm().height > 1
    assert layout_faults(with_register(op, Cmd.OFM_HEIGHT_M1, 0), npu) == []


def test_an_unknown_accumulator_format_is_named():
    found, npu = kernels("mlp_kws_int8.tflite", "ethos-u55-128")
    assert any("ACC_FORMAT 3" in f for f in layout_faults(with_register(found[0], 0x124, 3), npu))


def test_a_second_operand_on_top_of_the_first_is_found():
    found, npu = kernels("mnist_lstm_int8.tflite", "ethos-u55-128")
    op = next(o for o in found if o.ifm2() is not None)
    bad = with_register(op, Cmd.IFM2_IB_START, op.register(Cmd.IFM2_IB_START) - 1)
    assert any("IFM2_IB_START" in f for f in layout_faults(bad, npu))


def test_upscaling_halves_the_input_that_a_block_needs():
    assert required_input(8, 1, 3, Upscale.NONE) == 10
    assert required_input(8, 1, 3, Upscale.TRANSPOSE) == 5
    assert required_input(8, 1, 3, Upscale.NEAREST) == 6


def test_one_row_convolutions_use_a_flat_micro_block():
    found, npu = kernels("mlp_kws_int8.tflite", "ethos-u55-256")
    op = next(o for o in found if o.key == Cmd.NPU_OP_CONV and o.kernel().height == 1)
    flat = with_register(with_register(op, Cmd.OFM_HEIGHT_M1, 0), Cmd.OFM_WIDTH_M1, 7)
    assert blocks(flat, npu).ublock == Shape(1, 4, 8)
    assert blocks(op, npu).ublock == Shape(2, 2, 8)
