# SPDX-License-Identifier: Apache-2.0
"""What the tiles of a network are held to."""

import json
import shutil
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_host.ethosu.lint import hazards
from hocket_host.ethosu.lint.hazards import Hazard, HazardKind
from hocket_host.ethosu.timing.timing import operation_cycles, stream_cycles
from hocket_lab.bench.bounds import measure, system_of
from hocket_lab.bench.mobilenet import mobilenet
from hocket_tools.segment import cut_points, split
from hocket_tools.tile import TileError, bound_tiles
from hocket_tools.tile.transfer import cycles, spread
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

#: How much longer the uncut stream may take, in thousandths.
EXTRA = {
    "hello_world_int8": 25, "micro_speech": 25, "mlp_ad01_int8": 25, "mlp_kws_int8": 25,
    "mlp_resnet8_int8": 50, "mlp_vww96_int8": 25, "mnist_lstm_int8": 25, "person_detect": 25,
}  # fmt: skip


@cache
def compiled(name, accelerator="ethos-u55-128"):
    return compile_model(MODELS / f"{name}.tflite", VelaOptions(accelerator))


@pytest.mark.parametrize("name", EXTRA)
def test_tiles_keep_ten_thousand_cycles_at_little_cost(name):
    model = compiled(name)
    figures = measure(model, 10000, system_of(model))
    assert figures.max_piece_cycles <= 10000
    assert figures.max_segment_cycles <= 10500
    assert 1000 * figures.extra_cycles_ratio <= EXTRA[name]


@pytest.mark.slow
def test_tiles_of_a_mobilenet_keep_twenty_thousand_cycles_at_little_cost():
    model = compile_model(mobilenet(), VelaOptions("ethos-u55-128"))
    assert 290e6 < model.macs < 320e6
    figures = measure(model, 20000, system_of(model))
    assert figures.max_piece_cycles <= 20000
    assert figures.extra_cycles_ratio <= 0.03


@pytest.mark.parametrize("bound", [0, -1, 1.5, True, None])
def test_a_bound_that_is_none_is_refused(bound):
    model = compiled("hello_world_int8")
    with pytest.raises(TileError, match="no bound"):
        bound_tiles(model, bound, system_of(model))


def test_where_nothing_is_too_long_nothing_changes():
    model = compiled("mlp_kws_int8")
    assert bound_tiles(model, 10**6, system_of(model)) is model


def test_tiles_carry_the_names_of_their_operation():
    model = compiled("person_detect")
    tiled = bound_tiles(model, 5000, system_of(model))
    assert {o.source_name for o in tiled.operations} == {o.source_name for o in model.operations}
    order = [o.source_index for o in tiled.operations if o.optimised != "DMA"]
    assert list(dict.fromkeys(order)) == list(
        dict.fromkeys(o.source_index for o in model.operations if o.optimised != "DMA")
    )
    for o in tiled.operations:
        if o.scheduled_id is not None:
            same = [p for p in tiled.operations if p.scheduled_id == o.scheduled_id]
            assert o.stripes == len(same)


@pytest.mark.parametrize("name", ["mlp_resnet8_int8", "person_detect"])
def test_every_kernel_but_the_first_can_begin_a_segment(name):
    model = compiled(name)
    tiled = bound_tiles(model, 4000, system_of(model))
    kernels = sum(not op.is_dma for op in tiled.stream.operations)
    assert len(split(tiled, cut_points(tiled))) == kernels


def test_what_cannot_be_ordered_safely_stays_whole(monkeypatch):
    model = compiled("mlp_kws_int8")
    free = bound_tiles(model, 4000, system_of(model))
    first = next(o for o in free.operations if o.stripes > 1 and o.optimised != "DMA")
    calls = []

    def check(operations, config):
        calls.append(len(operations))
        if len(calls) == 2:
            return [Hazard(first.index, first.word, HazardKind.BLOCKDEP, "made up")]
        return hazards.check(operations, config)

    monkeypatch.setattr("hocket_tools.tile.bound.check", check)
    tiled = bound_tiles(model, 4000, system_of(model))
    assert len(calls) == 3

    def stripes(network):
        return sum(o.scheduled_id == first.scheduled_id for o in network.operations)

    assert stripes(tiled) == stripes(model) < stripes(free)
    assert len(tiled.operations) > len(model.operations)


def test_a_long_transfer_runs_beside_the_tiles_of_a_kernel():
    model = compiled("mlp_resnet8_int8")
    system = system_of(model)
    tiled = bound_tiles(model, 4000, system)
    before, after = ([op for op in m.stream.operations if op.is_dma] for m in (model, tiled))
    assert max(cycles(op, system) for op in before) > 9000
    assert max(cycles(op, system) for op in after) <= 4000
    whole = stream_cycles(model.stream.operations, model.npu, system)
    cut = stream_cycles(tiled.stream.operations, model.npu, system)
    assert cut.total_cycles < whole.total_cycles * 110 // 100


@settings(max_examples=100)
@given(st.data())
def test_chunks_are_the_transfers_in_order(data):
    model = compiled("mlp_resnet8_int8")
    system = system_of(model)
    dmas = [(i, op) for i, op in enumerate(model.stream.operations) if op.is_dma]
    some = data.draw(st.lists(st.sampled_from(dmas), min_size=1, max_size=4))
    bound, slots = data.draw(st.integers(200, 12000)), data.draw(st.integers(1, 6))
    places = spread(some, bound, slots, system)
    assert len(places) == slots
    chunks = [chunk for place in places for chunk in place]
    at = 0
    for index, op in some:
        copy, done = op.dma(), 0
        while done < copy.source.length:
            number, part = chunks[at]
            own = part.dma()
            assert number == index
            assert own.source.start == copy.source.start + done
            assert own.destination.start == copy.destination.start + done
            waits = (op.dma_wait, op.kernel_wait) if done == 0 else (None, None)
            assert (part.dma_wait, part.kernel_wait) == waits
            done += own.source.length
            at += 1
        assert done == copy.source.length
    assert at == len(chunks)
    for place in places[:-1]:
        assert sum(cycles(op, system) for _, op in place) <= bound


@pytest.mark.parametrize("accelerator", ["ethos-u55-32", "ethos-u55-256", "ethos-u65-256"])
def test_on_other_accelerators_tiles_keep_the_bound_too(accelerator):
    model = compiled("mlp_kws_int8", accelerator)
    system = system_of(model)
    tiled = bound_tiles(model, 6000, system)
    assert all(
        operation_cycles(op, tiled.npu, system).nominal <= 6000 for op in tiled.stream.operations
    )


def test_the_command_writes_a_table_and_figures(tmp_path, hocket):
    (tmp_path / "models").mkdir()
    for name in ("hello_world_int8", "mww_alexa"):
        shutil.copy(MODELS / f"{name}.tflite", tmp_path / "models")
    output = tmp_path / "build" / "bounds.json"
    words = ("--models", tmp_path / "models", "--no-generated", "--bound", 400)
    said = hocket("lab", "bounds", *words, "--output", output)
    assert said.code == 0
    figures = json.loads(output.read_text(encoding="utf-8"))
    assert set(figures) == {"hello_world_int8"}
    assert {"max_piece_cycles", "extra_cycles_ratio", "cycle_model_error"} <= set(
        figures["hello_world_int8"]
    )
    assert "hello" in said.out
    assert "mww_alexa not cut" in said.out


def test_without_models_the_command_says_so(tmp_path, hocket):
    said = hocket("lab", "bounds", "--models", tmp_path)
    assert said.code == 2
    assert "no .tflite file" in said.err
