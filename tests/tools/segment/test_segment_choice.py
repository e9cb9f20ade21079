# SPDX-License-Identifier: Apache-2.0
from functools import cache
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hocket_tools.segment import SplitError, choose, cut_points, flash_prologue_cycles, split
from hocket_tools.segment.segment import Prologue
from hocket_tools.vela import VelaOptions, compile_model
from paths import MODELS

U128 = VelaOptions("ethos-u55-128")


def compiled(name):
    return compile_model(MODELS / f"{name}.tflite", U128)


@cache
def prologue_cycles(first, last):
    """Cycles of the prologue of the segment [first, last) of mlp_ad01_int8."""
    model = compiled("mlp_ad01_int8")
    ends = {first, last} & {c.before for c in cut_points(model)}
    segment = next(s for s in split(model, ends) if s.first == first)
    return flash_prologue_cycles(segment.prologue)


def test_none_is_the_whole_stream_and_all_is_every_cut_point():
    model = compiled("mlp_kws_int8")
    assert len(choose(model, "none")) == 0
    assert [c.before for c in choose(model, "all")] == [c.before for c in cut_points(model)]


def test_a_bound_above_the_whole_needs_no_cut():
    assert len(choose(compiled("mlp_ad01_int8"), 1_000_000, lambda i: 100)) == 0


def test_a_prologue_costs_a_cycle_a_byte_and_the_latency_of_flash_for_each_of_its_reads():
    # Commands are one read of 64 cycles and their bytes, tables another.
    assert flash_prologue_cycles(Prologue(words=10, replayed=(1, 2), lut_bytes=0)) == 64 + 40
    assert flash_prologue_cycles(Prologue(words=10, replayed=(), lut_bytes=256)) == 104 + 64 + 256
    assert flash_prologue_cycles(Prologue(words=0, replayed=(), lut_bytes=0)) == 0


@settings(max_examples=40)
@given(st.lists(st.integers(0, 3000), min_size=10, max_size=10), st.integers(1, 9000))
def test_the_choice_is_as_good_as_the_best_of_all_choices(cycles, bound):
    model = compiled("mlp_ad01_int8")
    points = cut_points(model)

    count = len(model.stream.operations)

    def rank(cuts):
        ends = [0, *(c.before for c in cuts), count]
        segments = list(pairwise(ends))
        lengths = [sum(cycles[a:b]) + prologue_cycles(a, b) for a, b in segments]
        whole = {0, count, *(c.before for c in points)}
        # A segment over the bound is only acceptable where no cut point divides it.
        for (a, b), length in zip(segments, lengths, strict=True):
            if length > bound and whole & set(range(a + 1, b)):
                return None
        return sum(n > bound for n in lengths), len(cuts), sum(c.live_bytes for c in cuts)

    every = (rank(cuts) for n in range(len(points) + 1) for cuts in combinations(points, n))
    best = min(found for found in every if found is not None)
    choice = choose(model, bound, cycles.__getitem__)
    assert rank(tuple(choice)) == best
    assert len(choice.oversize) == best[0]


def test_segments_over_the_bound_are_reported_with_their_operations():
    model = compiled("mlp_kws_int8")
    choice = choose(model, 5000, lambda i: 9000 if i == 5 else 100)
    (late,) = choice.oversize
    assert late.first <= 5 < late.last
    assert late.cycles > 5000


@pytest.mark.parametrize("mode", [0, -1, "some", True, 1.5])
def test_another_mode_is_refused(mode):
    with pytest.raises(SplitError, match="no way to choose"):
        choose(compiled("hello_world_int8"), mode, lambda i: 1)


def test_a_length_needs_the_cycles_of_operations():
    with pytest.raises(SplitError, match="without cycles"):
        choose(compiled("hello_world_int8"), 100)
