# SPDX-License-Identifier: Apache-2.0
"""``micropython`` of MicroPython: what only speeds code up or saves memory has no effect here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

_optimisation = 0
_heap_locks = 0


def const(value: _T) -> _T:
    """Return the value, which MicroPython's compiler would put in its place."""
    return value


def native(function: _T) -> _T:
    """Return the function as it is."""
    return function


def viper(function: _T) -> _T:
    """Return the function as it is; the casts that it uses are builtins while installed."""
    return function


def schedule(function: Callable[[object], object], argument: object) -> None:
    """Call the function, which MicroPython would do as soon as it may."""
    function(argument)


def heap_lock() -> int:
    """Count a lock. CPython cannot forbid allocation, so nothing else happens."""
    global _heap_locks  # noqa: PLW0603 - as in MicroPython, one heap
    _heap_locks += 1
    return _heap_locks


def heap_unlock() -> int:
    """Count a lock off and return how many are left."""
    global _heap_locks  # noqa: PLW0603
    _heap_locks -= 1
    return _heap_locks


def heap_locked() -> int:
    """How many locks there are."""
    return _heap_locks


def alloc_emergency_exception_buf(size: int) -> None:
    """Do nothing: exceptions in handlers keep their traceback anyway."""


def opt_level(level: int | None = None) -> int | None:
    """Set or return the level of optimisation, which has no effect."""
    global _optimisation  # noqa: PLW0603
    if level is None:
        return _optimisation
    _optimisation = level
    return None


def kbd_intr(character: int) -> None:
    """Do nothing: the interrupt character is the terminal's own affair."""
