# SPDX-License-Identifier: Apache-2.0
from hypothesis import given
from hypothesis import strategies as st

from hocket_tools.report.timeline import Lane, render


def test_a_column_shows_its_share_of_work_in_eighths() -> None:
    lane = Lane("a", busy=[(0, 10), (10, 15)], releases=[])
    assert render([lane], 0, 40, columns=4)[0] == "a █▄  "


def test_work_outside_the_window_does_not_count() -> None:
    lane = Lane("a", busy=[(0, 100), (140, 200)], releases=[])
    assert render([lane], 100, 140, columns=4)[0] == "a     "


def test_releases_and_misses_are_marked_below() -> None:
    lane = Lane("a", busy=[], releases=[0, 20], misses=[30])
    assert render([lane], 0, 40, columns=4)[1] == "  · ·✗"


def test_names_are_aligned() -> None:
    lines = render([Lane("a", [], []), Lane("long", [], [])], 0, 10, columns=2)
    assert (lines[0], lines[2]) == ("   a   ", "long   ")


@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(1, 999)), max_size=5), st.integers(1, 90)
)
def test_any_work_is_drawn_within_the_width(spans: list[tuple[int, int]], columns: int) -> None:
    busy, at = [], 0
    for gap, length in spans:
        busy.append((at + gap, at + gap + length))
        at += gap + length
    assert len(render([Lane("a", busy, [])], 0, 3_000, columns=columns)[0]) == columns + 2
