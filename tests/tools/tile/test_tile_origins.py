# SPDX-License-Identifier: Apache-2.0
"""Who fills the bytes that a kernel reads, who else reads them, and what is free meanwhile.

The oracle goes through the stream with sets of bytes, one by one.
"""

from functools import cache

import pytest

from hocket_host.ethosu.stream.operands import Span
from hocket_tools.tile.origins import Origins
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

NAMES = ["mlp_kws_int8", "person_detect", "mnist_lstm_int8"]


@cache
def origins(name):
    return Origins(compile_model(MODELS / f"{name}.tflite", VelaOptions("ethos-u55-128")))


def covered(boxes):
    """Between the first and the last byte of each box."""
    return {(box.region, at) for box in boxes for at in range(box.low, box.high)}


def filled(found):
    """Before each operation, which operation wrote each byte last."""
    owner, states = {}, []
    for index, p in enumerate(found.prints):
        states.append(dict(owner))
        owner |= dict.fromkeys(covered(p.writes), index)
    return states


@pytest.mark.parametrize("name", NAMES)
def test_the_feeder_of_weights_is_the_one_transfer_that_brought_all_of_them(name):
    found = origins(name)
    states = filled(found)
    fed = 0
    for index, op in enumerate(found.operations):
        for span in () if op.is_dma else (op.weights(), op.scales()):
            if span is None or span.region == found.flash_region:
                continue
            owners = {
                states[index].get((span.region, at))
                for at in range(span.start, span.start + span.length)
            }
            expected = owners.pop() if len(owners) == 1 else None
            assert found.feeder(index, span) == expected
            fed += expected is not None
    assert fed or name == "mnist_lstm_int8"


def test_what_two_transfers_or_a_kernel_brought_has_no_feeder():
    found = origins("mlp_kws_int8")
    first, second = [i for i, op in enumerate(found.operations) if op.is_dma][:2]
    a, b = (found.operations[i].dma().destination for i in (first, second))
    low, high = min(a.start, b.start), max(a.start + a.length, b.start + b.length)
    assert found.feeder(second + 1, Span(a.region, low, high - low)) is None
    assert found.feeder(first + 1, Span(a.region, a.start, a.length)) == first
    assert found.feeder(first + 1, Span(a.region, a.start - 1, a.length)) is None
    assert found.feeder(first + 1, Span(a.region, a.start + a.length, 16)) != first
    assert found.feeder(first, Span(a.region, a.start, a.length)) != first


@pytest.mark.parametrize("name", NAMES)
def test_users_of_a_transfer_read_its_bytes_before_any_is_overwritten(name):
    found = origins(name)
    for dma, op in enumerate(found.operations):
        if not op.is_dma or op.dma().destination_internal:
            continue
        brought = covered(found.prints[dma].writes)
        expected = []
        for index in range(dma + 1, len(found.operations)):
            if covered(found.prints[index].reads) & brought:
                expected.append(index)
            if covered(found.prints[index].writes) & brought:
                break
        assert found.users(dma) == expected


@pytest.mark.parametrize("size", [16, 1024, 20_000])
def test_free_bytes_are_neither_live_nor_touched_nearby(size):
    found = origins("person_detect")
    for index in range(0, len(found.operations), 11):
        op = found.operations[index]
        if op.is_dma:
            continue
        region = op.ofm().region
        needed, written = set(), set()
        for p in found.prints[index + 1 :]:
            needed |= covered(p.reads) - written
            written |= {(b.region, at) for b in p.writes for at in range(b.low, b.high)}
        mine = found.prints[index]
        beside = [
            found.prints[at]
            for at in range(max(index - 4, 0), min(index + 5, len(found.prints)))
            if found.operations[at].is_dma
        ]
        taken = needed | covered([*mine.reads, *mine.writes])
        taken |= covered([box for p in beside for box in (*p.reads, *p.writes)])
        start = found.free(index, size)
        assert start % 16 == 0
        assert not {(region, at) for at in range(start, start + size)} & taken
