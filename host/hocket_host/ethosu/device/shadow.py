# SPDX-License-Identifier: Apache-2.0
"""A functional model on a copy of memory that another process owns.

What operations access is fetched into the copy before they run, and what they write is stored back
after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hocket_host.ranges import Range, merge

from ..stream.operation import Operation
from .interfaces import Executable, FunctionalModel

_BOUND_LIMIT = 4096

Transfer = Callable[[Sequence[Range]], None]
"""Copies ranges of flat memory."""


class ShadowedModel:
    """Works like the model that it stands in front of.

    Parameters
    ----------
    model
        Works on the copy.
    fetch, store
        From the owner into the copy, and back.
    copied
        The parts of a range that are copies; by default all of it.
    near
        Ranges that leave a gap of at most so many bytes are fetched together.
    """

    def __init__(
        self,
        model: FunctionalModel,
        fetch: Transfer,
        store: Transfer,
        copied: Callable[[int, int], Iterable[Range]] = lambda start, end: [(start, end)],
        near: int = 0,
    ) -> None:
        self._model = model
        self.fetch = fetch
        self.store = store
        self.copied = copied
        self.near = near
        self._bound: dict[int, _Shadowed] = {}

    def compile(self, stream: bytes) -> Any:
        """As the model does."""
        return self._model.compile(stream)

    def bind(self, compiled: Any, bases: tuple[int, ...], extents: Sequence[Any]) -> Executable:
        """As the model does; what is bound fetches before it runs, and stores after."""
        inner = self._model.bind(compiled, bases, extents)
        found = self._bound.get(id(inner))
        if found is None:
            if len(self._bound) >= _BOUND_LIMIT:
                self._bound.clear()
            # It keeps `inner`, so that nothing else comes to have its identity.
            found = self._bound[id(inner)] = _Shadowed(inner, compiled.operations, bases, self)
        return found


class _Shadowed:
    """A bound stream that fetches before it runs and stores after."""

    def __init__(
        self,
        inner: Executable,
        operations: Sequence[Operation],
        bases: Sequence[int],
        model: ShadowedModel,
    ) -> None:
        self._inner = inner
        self._operations = operations
        self._bases = bases
        self._model = model
        self._ranges: dict[Range, tuple[list[Range], list[Range]]] = {}

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Execute operations ``[first, last)`` on the owner's memory.

        What they had written is stored when the model raises, too.
        """
        end = len(self._operations) if last is None else last
        if (first, end) not in self._ranges:
            self._ranges[first, end] = self._accessed(first, end)
        fetched, stored = self._ranges[first, end]
        self._model.fetch(fetched)
        try:
            self._inner.run(first, end)
        finally:
            self._model.store(stored)

    def _accessed(self, first: int, last: int) -> tuple[list[Range], list[Range]]:
        """Ranges to fetch and to store.

        What is written is fetched, too: a strided map is stored with the bytes between its rows.
        """
        accessed: list[Range] = []
        written: list[Range] = []
        for op in self._operations[first:last]:
            for access in op.accesses():
                if access.region < 0 or access.start == access.end:
                    continue
                base = self._bases[access.region]
                ranges = list(self._model.copied(base + access.start, base + access.end))
                accessed += ranges
                if access.write:
                    written += ranges
        return merge(accessed, self._model.near), merge(written)
