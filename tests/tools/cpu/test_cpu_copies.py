# SPDX-License-Identifier: Apache-2.0
"""Copies of blocks: words where both sides lie at words, and as many in a step as are short."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hocket_tools.cpu.copies import Copy, pack_copies
from hocket_tools.cpu.costs import STEP_CYCLES
from hocket_tools.cpu.packing import PackedOperator
from hocket_tools.tflite.model import TfliteTensor


def tensor(index: int, size: int) -> TfliteTensor:
    return TfliteTensor(index, f"t{index}", (size,), "int8", None, False, None)


def block(read_at: int, written_at: int, size: int) -> Copy:
    return Copy(0, 0, size, (), (), (), read_at=read_at, written_at=written_at)


def blocks_of(copies: Sequence[Copy]) -> tuple[PackedOperator, int, list[tuple[int, ...]]]:
    end = max(max(c.read_at, c.written_at) + c.run for c in copies)
    packed = pack_copies(copies, [tensor(0, end)], [tensor(1, end)], "block")
    assert packed is not None
    _, some, count, *words = struct.unpack(f"<{len(packed.params) // 4}I", packed.params)
    return packed, some, [tuple(words[5 * i : 5 * i + 5]) for i in range(count)]


def test_bytes_before_the_first_word_are_a_block_of_their_own() -> None:
    _, _, blocks = blocks_of([block(3, 7, 4001)])
    assert blocks == [(0, 0, 3, 7, 1), (0, 0, 4, 8, 4000)]


def test_short_blocks_are_one_step() -> None:
    packed, some, blocks = blocks_of([block(16 * i, 16 * i, 12) for i in range(9)])
    assert (packed.steps, some, len(blocks)) == (1, 9, 9)


def test_bytes_cost_more_than_words() -> None:
    bytewise, _, _ = blocks_of([block(1, 0, 4000)])
    wordwise, _, _ = blocks_of([block(4, 0, 4000)])
    assert bytewise.cycles > 3 * wordwise.cycles


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200_000))
def test_parts_of_a_block_are_short_steps_and_cover_it(read: int, written: int, size: int) -> None:
    packed, some, blocks = blocks_of([block(read, written, size)])
    assert packed.step_cycles <= STEP_CYCLES
    assert packed.steps == -(-len(blocks) // some)
    at = 0
    for _, _, a, b, n in blocks:
        assert (a, b) == (read + at, written + at)
        at += n
    assert at == size
