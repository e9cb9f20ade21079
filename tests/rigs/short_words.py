# SPDX-License-Identifier: Apache-2.0
"""Viper's integers of a board on CPython, for tests: what does not fit 32 bits is lost."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from hocket_host.machines.cpython.shims import viper


def _wrapped(value: int) -> int:
    return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000


def _operation(name: str) -> Callable[..., Any]:
    def operate(self: int, other: int) -> Any:
        return Word(_wrapped(getattr(int, name)(int(self), int(other))))

    return operate


class Word(int):
    """A register of 32 bits."""


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


@contextmanager
def short_words() -> Iterator[None]:
    """Let pointers load such integers; to be entered over installed shims."""

    def pointer(name: str) -> Callable[[object], _Pointer]:
        cast = getattr(viper, name)
        return lambda target: _Pointer(cast(target))

    with (
        mock.patch.object(builtins, "ptr8", pointer("ptr8")),
        mock.patch.object(builtins, "ptr16", pointer("ptr16")),
        mock.patch.object(builtins, "ptr32", pointer("ptr32")),
    ):
        yield
