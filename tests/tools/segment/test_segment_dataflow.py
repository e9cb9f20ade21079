# SPDX-License-Identifier: Apache-2.0

import pytest

from hocket_tools.segment import cut_points
from hocket_tools.segment.dataflow import ByteBox, Footprint, consumer, footprint
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


def needed_first(operations, dma):
    """The kernel that first needs what a DMA fetched, by sets of bytes between ends of boxes."""
    copy = operations[dma].dma()
    fetched = {
        (copy.destination.region, copy.destination.start + at)
        for at in range(copy.destination.length)
    }
    for index in range(dma + 1, len(operations)):
        op = operations[index]
        if op.is_dma:
            continue
        if copy.destination_internal:
            if op.lut_slot is not None:
                return index
            continue
        read = {(box.region, at) for box in footprint(op).reads for at in range(box.low, box.high)}
        if read & fetched:
            return index
    return None


@pytest.mark.parametrize(
    ("name", "accelerator"),
    [
        ("mlp_kws_int8", "ethos-u55-128"), ("mlp_kws_int8", "ethos-u65-256"),
        ("micro_speech", "ethos-u55-32"), ("mlp_resnet8_int8", "ethos-u55-128"),
    ],
)  # fmt: skip
def test_the_consumer_of_a_fetch_is_the_kernel_that_first_reads_any_of_it(name, accelerator):
    operations = compiled(name, accelerator).stream.operations
    prints = [footprint(op) for op in operations]
    fetches = [index for index, op in enumerate(operations) if op.is_dma]
    assert fetches
    for dma in fetches:
        assert consumer(operations, prints, dma) == needed_first(operations, dma)


def test_what_only_touches_a_fetch_does_not_consume_it():
    operations = compiled("mlp_kws_int8").stream.operations
    prints = [footprint(op) for op in operations]
    dma = next(i for i, op in enumerate(operations) if op.is_dma)
    user = consumer(operations, prints, dma)
    fetched = operations[dma].dma().destination

    def reading(start, end):
        box = ByteBox(fetched.region, start, (end - start,), (1,))
        changed = [Footprint((), ()) for _ in prints]
        changed[user] = Footprint((box,), ())
        return consumer(operations, changed, dma)

    end = fetched.start + fetched.length
    assert reading(end, end + 16) is None
    assert reading(end - 1, end + 16) == user
    assert reading(fetched.start - 16, fetched.start) is None
    assert reading(fetched.start - 16, fetched.start + 1) == user
