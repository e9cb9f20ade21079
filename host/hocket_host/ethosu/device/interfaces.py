# SPDX-License-Identifier: Apache-2.0
"""What the register interface asks of the models behind it: of what is computed, and how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..stream.operation import Operation


class Decoded(Protocol):
    """A stream as the functional model decoded and checked it."""

    @property
    def operations(self) -> Sequence[Operation]:
        """Operations in stream order."""
        ...

    @property
    def word_ends(self) -> Sequence[int]:
        """Offset in bytes after each operation's command."""
        ...


class Executable(Protocol):
    """A decoded stream with its addresses resolved."""

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Execute operations ``[first, last)`` on memory."""
        ...


class FunctionalModel(Protocol):
    """What the NPU computes."""

    def compile(self, stream: bytes) -> Any:
        """Decode and check a stream, a `Decoded`; a `HocketError` is a parse error."""
        ...

    def bind(self, compiled: Any, bases: tuple[int, ...], extents: Sequence[Any]) -> Executable:
        """Resolve addresses; a `HocketError` is a bus abort."""
        ...


class TimeAxis(Protocol):
    """When the operations of a stream run, in NPU cycles from its start."""

    @property
    def operations(self) -> Sequence[Any]:
        """One entry an operation, with its ``start``."""
        ...

    @property
    def total_cycles(self) -> int:
        """Until the interrupt of NPU_OP_STOP."""
        ...

    @property
    def startup_cycles(self) -> int:
        """Until the first operation starts."""
        ...

    def ends(self) -> list[int]:
        """Cycle at which each operation and all before it have ended."""
        ...


TimingModel = Callable[[Sequence[Operation]], TimeAxis]
