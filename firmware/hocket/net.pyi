# SPDX-License-Identifier: Apache-2.0
from collections.abc import Awaitable, Sequence
from typing import Any

from typing_extensions import Buffer

from .container import App
from .port import Port
from .tensor import Tensor

_Data = Buffer | Sequence[float]

class NpuError(OSError): ...

class Net:
    name: str
    slot: int
    def __init__(self, info: Any, slot: int, app: App, port: Port, dispatcher: Any) -> None: ...
    def input(self, i: int = 0) -> Tensor: ...
    def output(self, i: int = 0) -> Tensor: ...
    def reset(self) -> None: ...
    def infer(self, data: _Data | tuple[_Data, ...] | None = None) -> Awaitable[None]: ...
