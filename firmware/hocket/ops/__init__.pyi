# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Sequence
from typing import Any, Protocol

class _Operator(Protocol):
    def step(self) -> bool: ...
    def reset(self) -> object: ...

_Factory = Callable[[memoryview, Sequence[Any], Sequence[Any], memoryview], _Operator]

MODULES: tuple[str, ...]
IN_PLACE: dict[int, tuple[int, ...]]

def register(code: int, factory: _Factory) -> None: ...
def make(
    code: int,
    params: memoryview,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    scratch: memoryview,
) -> _Operator: ...
