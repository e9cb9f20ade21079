# SPDX-License-Identifier: Apache-2.0
"""Networks and single operators cut into tiles compute what they compute whole."""

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hocket_host.ethosu.compute.faults import Extent
from hocket_host.ethosu.compute.model import NpuModel
from hocket_host.ethosu.lint.hazards import check
from hocket_host.ethosu.timing.system_config import parse_system_config
from hocket_lab.exact.cases import ALL, BY_ID, CRASHES_VELA
from hocket_lab.exact.device import Device
from hocket_lab.exact.sweep import feed
from hocket_tools.reference.oracle import Oracle
from hocket_tools.segment import cut_points, split
from hocket_tools.tflite.model import read_tflite
from hocket_tools.tile import bound_tiles
from hocket_tools.tile.origins import Origins
from hocket_tools.tile.plan import TilePlan
from hocket_tools.tile.tiled import TiledStream
from hocket_tools.vela import VelaOptions, compile_model
from hocket_tools.vela.options import vela_ini
from paths import MODELS

SMALL = ["hello_world_int8", "micro_speech", "mlp_ad01_int8", "mlp_kws_int8"]
LARGE = ["mlp_resnet8_int8", "mlp_vww96_int8", "person_detect"]
ACCELERATORS = [
    "ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256",
]  # fmt: skip
CASES = [case.id for case in ALL if case.id not in CRASHES_VELA]


@cache
def network(name, accelerator, **options):
    return compile_model(MODELS / f"{name}.tflite", VelaOptions(accelerator, **options))


@cache
def case(name, accelerator):
    return compile_model(BY_ID[name].model(), VelaOptions(accelerator))


def system_of(compiled):
    return parse_system_config(
        vela_ini().read_text(),
        compiled.npu,
        system_config=compiled.system_config,
        memory_mode=compiled.memory_mode,
    )


def random_inputs(compiled, seed):
    random = np.random.default_rng(seed)
    found = []
    for tensor in compiled.inputs:
        info = np.iinfo(tensor.dtype)
        found.append(random.integers(info.min, info.max, tensor.shape, tensor.dtype, endpoint=True))
    return found


def assert_same_interface(compiled, tiled):
    for field in (
        "npu", "inputs", "outputs", "state", "live_out", "vela_cycles", "macs", "system_config",
        "memory_mode", "flash_region", "arena_region", "fast_region",
    ):  # fmt: skip
        assert getattr(tiled, field) == getattr(compiled, field)
    assert set(tiled.regions) == set(compiled.regions)
    operations = tiled.stream.operations
    assert len(tiled.operations) == len(operations)
    for index, (name, op) in enumerate(zip(tiled.operations, operations, strict=True)):
        assert (name.index, name.word) == (index, op.word)
        assert (name.optimised == "DMA") == op.is_dma


def assert_same_results(compiled, tiled, inputs):
    """Outputs, and the bytes of every persistent range, over inferences on noise-filled memory."""
    whole, cut = Device(compiled, seed=5), Device(tiled, seed=5)
    for values in inputs:
        for device in (whole, cut):
            device.set_inputs(values)
            device.run()
        for a, b in zip(whole.outputs(), cut.outputs(), strict=True):
            np.testing.assert_array_equal(a, b)


def assert_same_steps(compiled, bound):
    """Every kernel's OFM once all of its tiles have run equals that of the whole kernel."""
    operations = compiled.stream.operations
    layout = TiledStream(TilePlan(Origins(compiled), compiled.npu, system_of(compiled), bound))
    tiled = bound_tiles(compiled, bound, system_of(compiled))
    if len(tiled.stream.operations) != len(layout.steps):
        return
    last = {step.origin: i for i, step in enumerate(layout.steps)}
    whole, cut = Device(compiled, seed=6), Device(tiled, seed=6)
    inputs = random_inputs(compiled, 7)
    for device in (whole, cut):
        device.set_inputs(inputs)
    at = 0
    for origin, op in enumerate(operations):
        whole.run(origin, origin + 1)
        if op.is_dma:
            continue
        cut.run(at, last[origin] + 1)
        at = last[origin] + 1
        np.testing.assert_array_equal(whole.read(op.ofm()), cut.read(op.ofm()))


def run_segments(tiled, inputs, seed):
    """Cut everywhere, with every dead byte scrambled before each segment."""
    random = np.random.default_rng(seed)
    bases, extents, at = [0] * 8, [], 0
    for region, size in tiled.regions.items():
        bases[region] = at
        if size:
            extents.append(Extent(at, size, region != tiled.flash_region))
        at += -(-max(size, 1) // 16) * 16
    memory = random.integers(0, 256, at, np.uint8)
    flash = bases[tiled.flash_region]
    memory[flash : flash + len(tiled.read_only)] = np.frombuffer(tiled.read_only, np.uint8)
    for state in tiled.state:
        start = bases[state.region] + state.offset
        memory[start : start + len(state.initial)] = np.frombuffer(state.initial, np.uint8)
    npu = NpuModel(tiled.npu, memory)
    for tensor, values in zip(tiled.inputs, inputs, strict=True):
        start = bases[tensor.region] + tensor.offset
        memory[start : start + tensor.size] = np.frombuffer(values.tobytes(), np.uint8)
    for segment in split(tiled, cut_points(tiled)):
        for extent in extents:
            if extent.writable:
                dead = np.ones(extent.size, bool)
                for r in segment.live:
                    if bases[r.region] == extent.start:
                        dead[r.start : r.end] = False
                noise = random.integers(0, 256, extent.size, np.uint8)
                memory[extent.start : extent.start + extent.size][dead] = noise[dead]
        assert check(segment.stream.operations, tiled.npu) == []
        npu.bind(npu.compile(segment.data), tuple(bases), extents).run()
    return [memory[bases[t.region] + t.offset :][: t.size].tobytes() for t in tiled.outputs]


def assert_equivalent(compiled, bound):
    tiled = bound_tiles(compiled, bound, system_of(compiled))
    assert_same_interface(compiled, tiled)
    assert check(tiled.stream.operations, tiled.npu) == check(
        compiled.stream.operations, compiled.npu
    )
    assert_same_results(compiled, tiled, [random_inputs(compiled, s) for s in (1, 2)])
    return tiled


@settings(max_examples=40)
@given(st.sampled_from(CASES), st.sampled_from(ACCELERATORS), st.integers(40, 4000))
@example("average_pool_2d-int8-3x3-same-stride1", "ethos-u55-128", 60)  # divisor inside padding
@example("resize_bilinear-int8-8x", "ethos-u55-128", 900)  # enlarged input
@example("chain-int8-conv-reshape-softmax", "ethos-u55-32", 60)  # constants beside weights
def test_single_operators_in_tiles_compute_the_same(name, accelerator, bound):
    assert_equivalent(case(name, accelerator), bound)


@settings(max_examples=12)
@given(st.sampled_from(SMALL), st.sampled_from(ACCELERATORS), st.integers(1500, 20000))
def test_small_networks_in_tiles_compute_the_same(name, accelerator, bound):
    compiled = network(name, accelerator)
    assert_equivalent(compiled, bound)
    assert_same_steps(compiled, bound)


@settings(max_examples=6)
@given(
    st.sampled_from(LARGE),
    st.sampled_from(ACCELERATORS),
    st.sampled_from(["Performance", "Size"]),
    st.integers(3000, 30000),
)
def test_large_networks_in_tiles_compute_the_same(name, accelerator, optimise, bound):
    compiled = network(name, accelerator, optimise=optimise)
    assert_equivalent(compiled, bound)
    assert_same_steps(compiled, bound)


@settings(max_examples=10)
@given(
    st.sampled_from([*SMALL, "mlp_resnet8_int8"]),
    st.sampled_from(ACCELERATORS),
    st.integers(1000, 20000),
)
def test_cut_everywhere_tiles_need_only_their_live_bytes(name, accelerator, bound):
    compiled = network(name, accelerator)
    inputs = random_inputs(compiled, 3)
    device = Device(compiled)
    device.set_inputs(inputs)
    device.run()
    tiled = bound_tiles(compiled, bound, system_of(compiled))
    assert run_segments(tiled, inputs, bound) == [o.tobytes() for o in device.outputs()]


@pytest.mark.parametrize("name", SMALL)
def test_networks_in_tiles_compute_what_the_interpreter_computes(name):
    compiled = network(name, "ethos-u55-128")
    tiled = bound_tiles(compiled, 3000, system_of(compiled))
    model = (MODELS / f"{name}.tflite").read_bytes()
    oracle, device = Oracle(model), Device(tiled)
    for inputs in feed(read_tflite(model), name):
        device.set_inputs(inputs)
        device.run()
        for got, want in zip(device.outputs(), oracle.run(inputs), strict=True):
            np.testing.assert_array_equal(got, want)


def test_state_of_a_recurrent_network_survives_tiles():
    compiled = network("mnist_lstm_int8", "ethos-u55-128")
    assert_equivalent(compiled, 2500)


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("name", CASES)
def test_every_operator_in_tiles_computes_the_same(name, accelerator):
    compiled = case(name, accelerator)
    for bound in (60, 250, 900, 3000):
        assert_equivalent(compiled, bound)
