# SPDX-License-Identifier: Apache-2.0

import pytest

from hocket_tools.segment import cut_points
from hocket_tools.segment.dataflow import footprint
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS


def compiled(name, accelerator="ethos-u55-128"):
    return compile_model(MODELS / f"{name}.tflite", VelaOptions(accelerator))


def bytes_of(fm):
    """Every byte of a feature map, element by element."""
    return {
        (fm.region, fm.address(y, x, c) + b)
        for y in range(fm.height)
        for x in range(fm.width)
        for c in range(fm.depth)
        for b in range(fm.element_bytes)
    }


def slow(operation):
    """Reads and writes of an operation as sets of bytes."""
    if operation.is_dma:
        dma = operation.dma()
        spans = (dma.source, dma.source_internal), (dma.destination, dma.destination_internal)
        return tuple(
            set() if internal else {(s.region, s.start + i) for i in range(s.length)}
            for s, internal in spans
        )
    reads = bytes_of(operation.ifm())
    if operation.ifm2() is not None:
        reads |= bytes_of(operation.ifm2())
    for span in (operation.weights(), operation.scales()):
        if span is not None:
            reads |= {(span.region, span.start + i) for i in range(span.length)}
    return reads, bytes_of(operation.ofm())


def covered(boxes):
    found = set()
    for box in boxes:
        offsets = [0]
        for extent, stride in zip(box.shape, box.strides, strict=True):
            offsets = [o + i * stride for o in offsets for i in range(extent)]
        found |= {(box.region, box.start + o) for o in offsets}
    return found


@pytest.mark.parametrize("name", ["hello_world_int8", "micro_speech", "mlp_kws_int8"])
def test_footprints_are_the_elements_addressed(name):
    for operation in compiled(name).stream.operations:
        reads, writes = slow(operation)
        prints = footprint(operation)
        assert covered(prints.reads) == reads
        assert covered(prints.writes) == writes


@pytest.mark.parametrize("name", ["micro_speech", "mlp_kws_int8", "mnist_lstm_int8"])
def test_nothing_outside_the_live_bytes_is_read_before_it_is_written(name):
    model = compiled(name)
    sets = [slow(op) for op in model.stream.operations]
    points = cut_points(model)
    for cut in points[:: max(1, len(points) // 8)]:
        live = {(r.region, b) for r in cut.live for b in range(r.start, r.end)}
        written = set()
        for reads, writes in sets[cut.before :]:
            scratch = {b for b in reads if b[0] != model.flash_region}
            assert scratch <= live | written
            written |= writes
        for r in model.live_out:
            assert {(r.region, b) for b in range(r.start, r.end)} <= live | written


def test_live_bytes_are_all_needed():
    model = compiled("mlp_kws_int8")
    sets = [slow(op) for op in model.stream.operations]
    for cut in cut_points(model)[::6]:
        needed, written = set(), set()
        for reads, writes in sets[cut.before :]:
            needed |= reads - written
            written |= writes
        for r in model.live_out:
            needed |= {(r.region, b) for b in range(r.start, r.end)} - written
        needed = {b for b in needed if b[0] != model.flash_region}
        assert {(r.region, b) for r in cut.live for b in range(r.start, r.end)} == needed
        assert cut.live_bytes == len(needed)


def test_state_survives_every_cut_or_is_written_again():
    model = compiled("mnist_lstm_int8")
    first = cut_points(model)[0]
    live = {b for r in first.live for b in range(r.start, r.end)}
    for state in model.state:
        assert set(range(state.range.start, state.range.end)) <= live


def test_the_fast_region_is_followed_too():
    model = compiled("mlp_kws_int8", "ethos-u65-256")
    regions = {r.region for cut in cut_points(model) for r in cut.live}
    assert {model.fast_region} <= regions
