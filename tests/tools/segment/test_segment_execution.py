# SPDX-License-Identifier: Apache-2.0
"""Networks cut at random and interleaved at random compute what they compute uncut."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.ethosu.compute.faults import Extent
from hocket_host.ethosu.compute.model import NpuModel
from hocket_tools.segment import cut_points, split
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

SMALL = ["hello_world_int8", "micro_speech", "mlp_ad01_int8", "mlp_kws_int8"]
ACCELERATORS = ["ethos-u55-32", "ethos-u55-128", "ethos-u65-256"]


@cache
def compiled(name, accelerator):
    return compile_model(MODELS / f"{name}.tflite", VelaOptions(accelerator))


@cache
def oracle(name):
    from tflite_micro.python.tflite_micro import runtime

    return runtime.Interpreter.from_file(str(MODELS / f"{name}.tflite"))


def expected(name, frame):
    """Output of a first inference in the reference interpreter."""
    interpreter = oracle(name)
    interpreter.reset()
    interpreter.set_input(frame, 0)
    interpreter.invoke()
    return interpreter.get_output(0).tobytes()


class Network:
    """One network at a place of its own in a flat memory."""

    def __init__(self, name, accelerator, at, random):
        self.name = name
        self.compiled = compiled(name, accelerator)
        self.random = random
        self.bases = [0] * 8
        self.extents = []
        for region, size in self.compiled.regions.items():
            self.bases[region] = at
            if size:
                writable = region != self.compiled.flash_region
                self.extents.append(Extent(at, size, writable))
            at += -(-max(size, 1) // 16) * 16
        self.end = at

    def place(self, memory):
        flash = self.bases[self.compiled.flash_region]
        data = np.frombuffer(self.compiled.read_only, np.uint8)
        memory[flash : flash + len(data)] = data
        for state in self.compiled.state:
            at = self.bases[state.region] + state.offset
            memory[at : at + len(state.initial)] = np.frombuffer(state.initial, np.uint8)

    def part(self, memory, tensor):
        at = self.bases[tensor.region] + tensor.offset
        return memory[at : at + tensor.size]

    def scramble(self, memory, live):
        """Give every scratch byte that need not survive another value."""
        for extent in self.extents:
            if extent.writable:
                region = self.bases.index(extent.start)
                dead = np.ones(extent.size, bool)
                for r in live:
                    if r.region == region:
                        dead[r.start : r.end] = False
                noise = self.random.integers(0, 256, extent.size, dtype=np.uint8)
                memory[extent.start : extent.end][dead] = noise[dead]


def jobs(network, memory, npu, frames, cuts, outputs):
    """Run the frames segment by segment; yields between any two."""
    segments = split(network.compiled, cuts)
    bound = [
        npu.bind(npu.compile(segment.data), tuple(network.bases), network.extents)
        for segment in segments
    ]
    (source,) = network.compiled.inputs
    (result,) = network.compiled.outputs
    for frame in frames:
        network.part(memory, source)[:] = frame.view(np.uint8).ravel()
        for segment, plan in zip(segments, bound, strict=True):
            network.scramble(memory, segment.live)
            plan.run()
            yield
        outputs.append(network.part(memory, result).tobytes())
        network.scramble(memory, network.compiled.live_out)


def uncut(network, memory, npu, frames):
    """Outputs of the frames with nothing cut, scrambled or interleaved."""
    model = network.compiled
    plan = npu.bind(npu.compile(model.command_stream), tuple(network.bases), network.extents)
    found = []
    network.place(memory)
    for frame in frames:
        network.part(memory, model.inputs[0])[:] = frame.view(np.uint8).ravel()
        plan.run()
        found.append(network.part(memory, model.outputs[0]).tobytes())
    return found


def run(names, accelerator, draw_cuts, pick, seed, inferences):
    random = np.random.default_rng(seed)
    networks = []
    at = 0
    for name in names:
        networks.append(Network(name, accelerator, at, random))
        at = networks[-1].end
    memory = random.integers(0, 256, at, dtype=np.uint8)
    npu = NpuModel(networks[0].compiled.npu, memory)
    running, wanted, found = [], [], []
    for network in networks:
        (source,) = network.compiled.inputs
        frames = [
            random.integers(-128, 128, source.shape, dtype=np.int8) for _ in range(inferences)
        ]
        wanted.append(uncut(network, memory, npu, frames))
        assert wanted[-1][0] == expected(network.name, frames[0])
        network.place(memory)
        outputs = []
        found.append(outputs)
        cuts = draw_cuts(cut_points(network.compiled))
        running.append(jobs(network, memory, npu, frames, cuts, outputs))
    while running:
        job = running[pick(len(running))]
        try:
            next(job)
        except StopIteration:
            running.remove(job)
    assert found == wanted


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("name", SMALL)
def test_uncut_the_model_computes_what_the_interpreter_computes(name, accelerator):
    run([name], accelerator, lambda points: [], lambda n: 0, 1, 2)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("name", SMALL)
def test_cut_everywhere_it_computes_the_same(name, accelerator):
    run([name], accelerator, lambda points: points, lambda n: 0, 2, 2)


def test_a_recurrent_network_keeps_its_state_across_segments_and_inferences():
    run(["mnist_lstm_int8"], "ethos-u55-128", lambda points: points, lambda n: 0, 3, 2)


@settings(max_examples=15)
@given(st.data())
def test_random_cuts_and_interleavings_change_nothing(data):
    names = data.draw(st.lists(st.sampled_from(SMALL), min_size=2, max_size=3, unique=True))
    run(
        names,
        data.draw(st.sampled_from(ACCELERATORS)),
        lambda points: data.draw(st.sets(st.sampled_from(points), max_size=12)),
        lambda count: data.draw(st.integers(0, count - 1)),
        data.draw(st.integers(0, 2**32 - 1)),
        1,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlp_resnet8_int8", "mlp_vww96_int8", "person_detect"])
def test_large_networks_cut_everywhere_and_interleaved_compute_the_same(name):
    turn = iter(range(10**9))
    run(
        [name, "mlp_kws_int8", "mnist_lstm_int8"],
        "ethos-u55-128",
        lambda points: points,
        lambda count: next(turn) % count,
        4,
        2,
    )
