# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from graphs import mixed_graph
from running import application

from hocket_host.errors import HocketError
from hocket_host.units import format_size
from hocket_tools.cpu import registry
from hocket_tools.cpu.costs import STEP_CYCLES
from hocket_tools.pack.primitives import choose_primitives, cost, scratch_bytes
from hocket_tools.vela import VelaOptions, compile_network
from paths import MODELS

MICRO = MODELS / "micro_speech.tflite"
U128 = VelaOptions("ethos-u55-128")


def network(layers=(1, 2)):
    return compile_network(MICRO, U128, layers)


def test_the_cheapest_primitive_is_picked_where_memory_does_not_matter() -> None:
    for choice in choose_primitives(network((0, 1, 2, 3))):
        assert cost(choice.packed) == min(map(cost, choice.candidates))


def test_a_budget_leaves_only_primitives_whose_scratch_fits() -> None:
    compiled = network()
    free = choose_primitives(compiled)
    budget = compiled.arena_size + min(p.scratch_bytes for c in free for p in c.candidates) + 32
    tight = choose_primitives(compiled, sram_bytes=budget)
    assert compiled.arena_size + scratch_bytes(tight) <= budget
    assert sum(c.packed.cycles for c in tight) >= sum(c.packed.cycles for c in free)


def test_a_budget_below_the_arena_is_refused_with_both_sizes() -> None:
    compiled = network()
    with pytest.raises(HocketError, match="larger than its SRAM budget") as error:
        choose_primitives(compiled, sram_bytes=1000)
    assert format_size(compiled.arena_size) in str(error.value)


def test_a_budget_without_room_for_scratch_is_refused_by_the_layer() -> None:
    compiled = network()
    with pytest.raises(HocketError, match="layer 'Relu'"):
        choose_primitives(compiled, sram_bytes=compiled.arena_size)


def test_short_operators_that_follow_one_another_do_not_yield_between() -> None:
    choices = choose_primitives(compile_network(MODELS / "mww_alexa.tflite", U128))
    # Reads before the NPU's part, assignments after it.
    carried = 0
    for before, choice in zip((None, *choices), choices, strict=False):
        follows = before is not None and before.runs_on
        carried = (carried if follows else 0) + choice.packed.step_cycles
        assert carried <= STEP_CYCLES
    assert any(c.runs_on for c in choices[:6])
    assert not choices[5].runs_on
    assert not choices[-1].runs_on


def test_an_unknown_layer_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(HocketError, match="did you mean 'Relu'"):
        application(tmp_path, {"a": (MICRO.read_bytes(), 'on-cpu = ["Rel"]')})


def test_an_index_beyond_the_operators_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HocketError, match="no such layer"):
        application(tmp_path, {"a": (MICRO.read_bytes(), "on-cpu = [9]")})


def test_a_layer_that_computes_nothing_cannot_be_put_anywhere() -> None:
    with pytest.raises(HocketError, match="computes nothing"):
        compile_network(MODELS / "mww_alexa.tflite", U128, [0])


def test_a_layer_that_the_processor_cannot_run_is_refused_by_its_name(monkeypatch) -> None:
    monkeypatch.delitem(registry._registered, "SOFTMAX")
    with pytest.raises(HocketError, match="SOFTMAX 'labels_softmax'") as error:
        compile_network(MICRO, U128, [0, 1, 3])
    assert "no implementation" in str(error.value)


def test_what_neither_unit_runs_is_refused_by_operator_and_layer(monkeypatch) -> None:
    monkeypatch.delitem(registry._registered, "GATHER")
    with pytest.raises(HocketError, match="neither the NPU nor the CPU") as error:
        compile_network(mixed_graph(13, layers=8), U128)
    assert "GATHER x" in str(error.value)
    assert "'gather1'" in str(error.value)


def test_layers_under_the_key_of_cpu_time_are_told_the_other_key(tmp_path: Path) -> None:
    with pytest.raises(HocketError, match="on-cpu"):
        application(tmp_path, {"a": (MICRO.read_bytes(), 'cpu = ["Relu"]')})


def test_a_pure_network_is_the_same_as_before_there_were_others() -> None:
    from hocket_tools.vela import compile_model

    whole = compile_network(MICRO, U128)
    assert whole.parts == (compile_model(MICRO, U128),)


def test_nothing_is_read_that_nobody_wrote_over_both_units() -> None:
    for seed in range(6):
        assert compile_network(mixed_graph(seed), U128).undefined_reads == ()


def test_persistent_ranges_lie_behind_what_vela_planned_and_apart() -> None:
    compiled = compile_network(MODELS / "mww_alexa.tflite", U128)
    places = [s.range for s in compiled.state]
    assert len(places) == 6
    assert all(a.end <= b.start for a, b in pairwise(places))
    planned = max(
        box.high
        for part in compiled.npu_parts
        for p in part.analysis.prints
        for box in p.writes
        if box.region == compiled.arena_region
    )
    assert planned <= places[0].start
