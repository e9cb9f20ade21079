# SPDX-License-Identifier: Apache-2.0
"""How many tiles are tried, and where a kernel is cut for so many."""

from itertools import combinations, pairwise

import pytest

from hocket_tools.tile.cutting import _counts, _ladder, _share


def test_counts_go_one_by_one_then_by_a_quarter_to_the_limit():
    dense = [1, 2, 3, 4, 5, 6, 7, 8]
    assert list(_counts(1, 40)) == [*dense, 10, 12, 15, 18, 22, 27, 33, 40]
    assert list(_counts(0, 3)) == [1, 2, 3]
    assert list(_counts(20, 22)) == [20, 21, 22]
    assert list(_counts(5, 5)) == [5]
    assert list(_counts(6, 5)) == []


def test_a_few_slices_are_tried_below_an_even_share_then_all_from_it_on():
    assert list(_ladder(10, 12)) == [2, 3, 4, 6, 9, 10, 11, 12]
    assert list(_ladder(10, 4)) == [2, 3, 4]
    assert list(_ladder(10, 6)) == [2, 3, 4, 6]
    assert list(_ladder(2, 3)) == [2, 3]


def test_an_even_share_is_cut_nearest_to_it_and_before_rather_than_behind():
    assert _share(list(range(1, 10)), 4, 10) == ((0, 2), (2, 5), (5, 7), (7, 10))
    assert _share([4, 8], 3, 12) == ((0, 4), (4, 8), (8, 12))


def test_later_tiles_are_left_a_place_to_begin():
    assert _share([8, 9], 3, 10) == ((0, 8), (8, 9), (9, 10))
    assert _share([1, 2, 9], 4, 10) == ((0, 1), (1, 2), (2, 9), (9, 10))


def test_one_tile_needs_no_place_and_more_than_the_places_cannot_be():
    assert _share([], 1, 5) == ((0, 5),)
    assert _share([2], 3, 5) is None


@pytest.mark.parametrize("places", [[1, 2, 3, 4, 5, 6, 7], [2, 4, 6], [1, 5, 6], [3], [6, 7]])
def test_every_number_of_tiles_that_there_are_places_for_covers_the_whole(places):
    for count in range(2, len(places) + 2):
        found = _share(places, count, 8)
        edges = [0, *(end for _, end in found)]
        assert edges[-1] == 8
        assert list(pairwise(edges)) == list(found)
        assert tuple(edges[1:-1]) in set(combinations(places, count - 1))
