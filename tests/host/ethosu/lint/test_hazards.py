# SPDX-License-Identifier: Apache-2.0
"""Hazards: none in what Vela writes, and every lost wait or raised dependency is found."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import pytest

from hocket_host.ethosu.config import CONFIGS
from hocket_host.ethosu.lint.hazards import HazardKind, check
from hocket_host.ethosu.lint.hazards_blockdep import MAX_BLOCKDEP, largest_blockdep
from hocket_host.ethosu.stream.isa import Cmd
from rigs.vela_streams import MODELS, compile_stream

EVERYTHING = [(model, accelerator) for model in MODELS for accelerator in CONFIGS]
VARIANTS = [
    ("ethos-u55-32", {"optimise": "Size"}),
    ("ethos-u55-128", {"optimise": "Size"}),
    ("ethos-u55-128", {"arena_cache_size": 48 << 10}),
    ("ethos-u55-256", {"system_config": "Ethos_U55_Deep_Embedded", "memory_mode": "Sram_Only"}),
    ("ethos-u65-256", {"system_config": "Ethos_U65_Embedded", "memory_mode": "Shared_Sram"}),
    ("ethos-u65-256", {"system_config": "Ethos_U65_High_End", "memory_mode": "Dedicated_Sram"}),
]


def changed(operations, index, **fields):
    """The stream with one operation changed."""
    found = list(operations)
    found[index] = replace(found[index], _cache={}, **fields)
    return found


def with_register(operations, index, key, value):
    registers = {**operations[index].registers, int(key): value}
    return changed(operations, index, registers=MappingProxyType(registers))


def kinds(hazards):
    return {(h.operation, h.kind) for h in hazards}


@pytest.mark.parametrize(("model", "accelerator"), EVERYTHING)
def test_velas_streams_have_none(model, accelerator):
    c = compile_stream(model, accelerator)
    assert check(c.operations, c.npu) == []


@pytest.mark.parametrize("model", [m for m in MODELS if "lstm" not in m])
@pytest.mark.parametrize(("accelerator", "options"), VARIANTS)
def test_cascaded_and_other_streams_have_none(model, accelerator, options):
    c = compile_stream(model, accelerator, **options)
    assert check(c.operations, c.npu) == []
    if options.get("memory_mode") != "Dedicated_Sram":
        assert check(c.operations, c.npu, aliases={2: 1}) == []


@pytest.mark.parametrize("accelerator", CONFIGS)
@pytest.mark.parametrize("model", ["mlp_kws_int8.tflite", "person_detect.tflite"])
@pytest.mark.parametrize("wait", ["dma_wait", "kernel_wait"])
def test_every_wait_that_is_removed_is_missed(model, accelerator, wait):
    c = compile_stream(model, accelerator)
    for index, op in enumerate(c.operations):
        if getattr(op, wait) is not None:
            found = check(changed(c.operations, index, **{wait: None}), c.npu)
            assert any(h.kind is HazardKind.DMA and h.operation >= index for h in found), index


@pytest.mark.parametrize(("model", "accelerator"), EVERYTHING)
def test_vela_writes_the_largest_safe_blockdep(model, accelerator):
    c = compile_stream(model, accelerator)
    kernels = [op for op in c.operations if not op.is_dma]
    for before, op in pairwise(kernels):
        assert op.register(Cmd.BLOCKDEP) == largest_blockdep(op, before, c.npu)


@pytest.mark.parametrize("accelerator", ["ethos-u55-128", "ethos-u55-256"])
def test_every_raised_blockdep_is_found(accelerator):
    c = compile_stream("mlp_vww96_int8.tflite", accelerator)
    first = next(i for i, op in enumerate(c.operations) if not op.is_dma)
    for index, op in enumerate(c.operations):
        if op.is_dma or index == first:
            continue
        for value in range(op.register(Cmd.BLOCKDEP) + 1, MAX_BLOCKDEP + 1):
            found = check(with_register(c.operations, index, Cmd.BLOCKDEP, value), c.npu)
            assert kinds(found) == {(index, HazardKind.BLOCKDEP)}


def test_a_drained_kernel_needs_no_blockdep():
    c = compile_stream("mlp_kws_int8.tflite", "ethos-u55-128")
    index = next(
        i
        for i, op in enumerate(c.operations)
        if i > 1 and not op.is_dma and op.register(Cmd.BLOCKDEP) == 0
    )
    raised = with_register(c.operations, index, Cmd.BLOCKDEP, 3)
    assert check(raised, c.npu)
    assert check(changed(raised, index, kernel_wait=0), c.npu) == []


def test_a_shifted_accumulator_start_is_found():
    c = compile_stream("mlp_kws_int8.tflite", "ethos-u55-128")
    index = next(i for i, op in enumerate(c.operations) if op.key == Cmd.NPU_OP_CONV)
    value = c.operations[index].register(Cmd.AB_START) - 1
    found = check(with_register(c.operations, index, Cmd.AB_START, value), c.npu)
    assert kinds(found) == {(index, HazardKind.SHRAM)}


@pytest.mark.parametrize("accelerator", CONFIGS)
def test_a_table_that_was_never_loaded_is_found(accelerator):
    c = compile_stream("micro_speech.tflite", accelerator)
    without = [op for op in c.operations if not (op.is_dma and op.dma().destination_internal)]
    assert HazardKind.LUT in {h.kind for h in check(without, c.npu)}


@pytest.mark.parametrize(
    ("accelerator", "survives"), [("ethos-u55-64", False), ("ethos-u55-128", True)]
)
def test_a_table_survives_other_kernels_only_where_its_banks_are_reserved(accelerator, survives):
    c = compile_stream("micro_speech.tflite", accelerator)
    load = next(op for op in c.operations if op.is_dma and op.dma().destination_internal)
    use = next(op for op in c.operations if op.lut_slot is not None)
    other = replace(c.operations[0], kernel_wait=0)
    if other.is_dma:
        other = next(op for op in c.operations if op.key == Cmd.NPU_OP_CONV)
    found = check(
        [load, replace(other, dma_wait=0), replace(use, dma_wait=0, kernel_wait=0)], c.npu
    )
    assert (HazardKind.LUT not in {h.kind for h in found}) == survives


def test_regions_that_share_memory_conflict_when_told_so():
    c = compile_stream("person_detect.tflite", "ethos-u55-128")
    index = next(
        i
        for i, op in enumerate(c.operations)
        if op.is_dma and i + 1 < len(c.operations) and c.operations[i + 1].dma_wait is not None
    )
    moved = with_register(c.operations, index, Cmd.DMA0_DST_REGION, 2)
    bare = changed(moved, index + 1, dma_wait=None)
    apart, together = check(bare, c.npu), check(bare, c.npu, aliases={2: 1})
    at = (index + 1, HazardKind.DMA)
    assert at in kinds(together)
    assert at not in kinds(apart)


def test_a_hazard_names_its_place():
    c = compile_stream("mlp_kws_int8.tflite", "ethos-u55-128")
    index = next(i for i, op in enumerate(c.operations) if op.dma_wait is not None)
    hazard = check(changed(c.operations, index, dma_wait=None), c.npu)[0]
    assert hazard.word == c.operations[index].word
    assert f"word {hazard.word}" in str(hazard)
    assert "region" in hazard.text


def test_rolling_buffers_are_compared_by_their_bytes():
    c = compile_stream("person_detect.tflite", "ethos-u55-128", optimise="Size")
    kernels = [op for op in c.operations if not op.is_dma]
    wrapped = [(before, op) for before, op in pairwise(kernels) if len(op.ifm().tiles()) > 1]
    assert wrapped
    for before, op in wrapped:
        assert op.register(Cmd.BLOCKDEP) <= largest_blockdep(op, before, c.npu)
