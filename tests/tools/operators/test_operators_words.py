# SPDX-License-Identifier: Apache-2.0
"""Operators with integers that wrap at 32 bits, as viper's do on a board."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from test_operators_exact import CASE_KINDS, mismatches, of_kind, some_rounds

from hocket_host.shims import installed, viper
from hocket_host.shims.testing import ProcessMachine


def _wrapped(value: int) -> int:
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def _operation(name: str) -> Callable[..., Any]:
    def operate(self: int, other: int) -> Any:
        return Word(_wrapped(getattr(int, name)(int(self), int(other))))

    return operate


class Word(int):
    """A register of 32 bits: what does not fit is lost."""


for _name in ("add", "sub", "mul", "lshift", "rshift", "and", "or", "xor", "floordiv", "mod"):
    setattr(Word, f"__{_name}__", _operation(f"__{_name}__"))
    setattr(Word, f"__r{_name}__", _operation(f"__r{_name}__"))


class _Pointer:
    def __init__(self, pointer: Any) -> None:
        self._pointer = pointer

    def __getitem__(self, index: int) -> Word:
        return Word(self._pointer[index])

    def __setitem__(self, index: int, value: int) -> None:
        self._pointer[index] = int(value)


@pytest.fixture
def short_words(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with installed(ProcessMachine()):
        for name in ("ptr8", "ptr16", "ptr32"):
            cast = getattr(viper, name)
            monkeypatch.setattr(builtins, name, lambda target, cast=cast: _Pointer(cast(target)))
        yield


@pytest.mark.parametrize("kind", CASE_KINDS)
@pytest.mark.usefixtures("short_words")
def test_operator_needs_no_more_than_32_bits(kind: str) -> None:
    from hocket.ops.testing import check

    smallest = min(of_kind(kind, 2), key=lambda c: c.packed.cycles, default=None)
    if smallest is not None:
        assert mismatches([check(some_rounds(smallest))]) == []
