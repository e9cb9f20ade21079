# SPDX-License-Identifier: Apache-2.0
"""New weights go where old ones are no longer read, and behind everything else."""

import pytest

from hocket_tools.segment.dataflow import ByteRange
from hocket_tools.tile.flash import Flash

OLD = bytes(range(200))


def flash(kept=(), dropped=()):
    return Flash(
        OLD, 1, [ByteRange(1, *span) for span in kept], [ByteRange(1, *span) for span in dropped]
    )


def test_without_room_data_is_added_behind_at_a_multiple_of_16():
    found = flash()
    assert found.add(b"a" * 20) == 208
    assert found.add(b"b" * 16) == 240
    assert found.contents == OLD + bytes(8) + b"a" * 20 + bytes(12) + b"b" * 16


def test_the_same_bytes_are_kept_once():
    found = flash()
    assert found.add(b"a" * 16) == found.add(b"a" * 16)
    assert len(found.contents) == 224


def test_what_is_dropped_is_overwritten_in_whole_granules():
    found = flash(dropped=[(33, 95)])
    assert found.add(b"a" * 20) == 48  # 48 to 80 are whole granules of it
    assert found.add(b"b") == 208
    assert found.contents[:48] == OLD[:48]
    assert found.contents[48:68] == b"a" * 20
    assert found.contents[68:200] == OLD[68:]


def test_what_something_else_still_reads_stays():
    found = flash(kept=[(48, 64)], dropped=[(32, 96)])
    assert [found.add(bytes([n]) * 16) for n in range(4)] == [32, 64, 80, 208]
    assert found.contents[48:64] == OLD[48:64]


def test_the_first_place_that_is_large_enough_is_taken():
    found = flash(dropped=[(16, 32), (64, 128)])
    assert found.add(b"a" * 32) == 64
    assert found.add(b"b" * 16) == 16
    assert found.add(b"c" * 32) == 96
    assert found.add(b"d" * 16) == 208


@pytest.mark.parametrize("kept", [[], [(0, 200)]])
def test_what_is_read_in_another_region_frees_nothing_here(kept):
    found = Flash(OLD, 1, [ByteRange(1, *span) for span in kept], [ByteRange(2, 0, 200)])
    assert found.add(b"a") == 208
