# SPDX-License-Identifier: Apache-2.0
"""Inputs that Vela leaves out, outputs that it does not compute: places of their own."""

from __future__ import annotations

import numpy as np
import pytest

from hocket_tools.tflite.builder import ModelBuilder, Quantisation
from hocket_tools.vela import Network, VelaError, VelaOptions, compile_network

U128 = VelaOptions("ethos-u55-128")
SCALE = Quantisation.tensor(0.05)
SHAPE = (1, 4, 4, 3)


def network(kind: str, on_cpu: bool) -> Network:
    model = ModelBuilder()
    given = model.input("given", SHAPE, np.int8, SCALE)
    middle = model.activation("middle", SHAPE, np.int8, SCALE)
    result = model.output("result", SHAPE, np.int8, SCALE)
    model.operator("RELU", (given,), (middle,))
    model.operator("ADD", (middle, middle), (result,), "AddOptions", version=2)
    if kind == "unread":
        model.input("idle", (1, 7), np.int8, SCALE)
        model.input("other", (3,), np.int32, None)
    elif kind == "given":
        model.hand_back(given)
    elif kind == "constant":
        model.hand_back(model.constant("table", np.arange(5, dtype=np.int8), SCALE))
    else:
        model.hand_back(model.activation("nobody's", SHAPE, np.int8, SCALE))
    return compile_network(model.finish(), U128, [0] if on_cpu else [])


@pytest.mark.parametrize("on_cpu", [False, True])
def test_inputs_that_nobody_reads_lie_apart_from_all_else(on_cpu: bool) -> None:
    found = network("unread", on_cpu)
    assert [(t.name, t.size) for t in found.inputs] == [("given", 48), ("idle", 7), ("other", 12)]
    idle, other = (set(range(t.offset, t.offset + t.size)) for t in found.inputs[1:])
    assert not idle & other
    assert max(idle | other) < found.arena_size
    for part in found.npu_parts:
        for print_ in part.analysis.prints:
            for box in (*print_.reads, *print_.writes):
                touched = set(range(box.low, box.high))
                assert box.region != found.arena_region or not touched & (idle | other)


@pytest.mark.parametrize("on_cpu", [False, True])
def test_an_input_handed_back_is_read_where_it_lies(on_cpu: bool) -> None:
    found = network("given", on_cpu)
    (given,), (_, back) = found.inputs, found.outputs
    assert (back.offset, back.size) == (given.offset, given.size)


@pytest.mark.parametrize("on_cpu", [False, True])
def test_a_constant_output_lies_there_from_the_start(on_cpu: bool) -> None:
    found = network("constant", on_cpu)
    (_, table) = found.outputs
    (state,) = found.state
    assert (state.offset, state.initial) == (table.offset, bytes(range(5)))


@pytest.mark.parametrize("on_cpu", [False, True])
def test_an_output_that_nothing_computes_is_refused_by_name(on_cpu: bool) -> None:
    with pytest.raises(VelaError, match="nothing computes") as error:
        network("uncomputed", on_cpu)
    assert "nobody's" in str(error.value.found)
