# SPDX-License-Identifier: Apache-2.0
"""Operators with integers that wrap at 32 bits, as viper's do on a board."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from comparing import CASE_KINDS, mismatches, of_kind, some_rounds

from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from rigs.short_words import short_words


@pytest.fixture
def words_of_a_board() -> Iterator[None]:
    with installed(ProcessMemory()), short_words():
        yield


@pytest.mark.parametrize("kind", CASE_KINDS)
@pytest.mark.usefixtures("words_of_a_board")
def test_operator_needs_no_more_than_32_bits(kind: str) -> None:
    from hocket.ops.testing import check

    smallest = min(of_kind(kind, 2), key=lambda c: c.packed.cycles, default=None)
    if smallest is not None:
        assert mismatches([check(some_rounds(smallest))]) == []
