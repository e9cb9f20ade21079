# SPDX-License-Identifier: Apache-2.0
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hocket_tools.tflite.model import TfliteModel, read_tflite
from hocket_tools.vela import VelaError
from hocket_tools.vela.arena import ALIGNMENT, ARENA, Extension, Lifetime, planned_offsets

lives = st.lists(
    st.tuples(st.integers(1, 300), st.integers(-1, 12), st.integers(0, 6)), max_size=12
).map(lambda rows: [Lifetime(i, size, at, at + n) for i, (size, at, n) in enumerate(rows)])


@given(lives, st.integers(0, 1000))
def test_tensors_in_use_together_do_not_overlap(lifetimes, start):
    extension = Extension(start)
    places = extension.share(lifetimes)
    assert set(places) == {life.tensor for life in lifetimes}
    for life in lifetimes:
        place = places[life.tensor]
        assert place.region == ARENA
        assert place.size == life.size
        assert place.start % ALIGNMENT == 0
        assert start <= place.start <= place.end <= extension.end
    for a, b in combinations(lifetimes, 2):
        if a.first <= b.last and b.first <= a.last:
            one, other = places[a.tensor], places[b.tensor]
            assert one.end <= other.start or other.end <= one.start


@given(lives, st.lists(st.integers(1, 100), max_size=5))
def test_what_is_kept_is_never_overlaid(lifetimes, sizes):
    extension = Extension(0)
    kept = [extension.keep(size) for size in sizes]
    shared = extension.share(lifetimes)
    assert all(a.end <= b.start for a, b in combinations(kept, 2))
    assert all(k.end <= place.start for k in kept for place in shared.values())


def test_tensors_that_are_never_in_use_together_share_their_memory():
    extension = Extension(0)
    places = extension.share([Lifetime(0, 100, 0, 1), Lifetime(1, 100, 2, 3)])
    assert places[0] == places[1]


@pytest.mark.parametrize("plan", [b"", b"\0" * 12, b"\0\0\0\0\1\0\0\0\5\0\0\0" + b"\xff" * 16])
def test_a_plan_for_another_graph_is_refused(plan):
    from test_vela_compile import MODELS

    whole = read_tflite(MODELS / "micro_speech.tflite")
    graph = TfliteModel("", whole.subgraphs, {"OfflineMemoryAllocation": plan})
    with pytest.raises(VelaError, match="memory plan"):
        planned_offsets(graph)
