# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol, TypeVar

from .container import App
from .net import Net
from .policy import FIFO
from .port import Port
from .stats import Stats
from .task import Task
from .trace import Trace

class _Watchdog(Protocol):
    def feed(self) -> object: ...

_Body = TypeVar("_Body", bound=Callable[[Net], Coroutine[Any, Any, object]])

class Kernel:
    app: App
    port: Port
    trace: Trace
    policy: FIFO
    watchdog: _Watchdog | None
    on_miss: Callable[[str, int], object] | None
    on_error: Callable[[str, Exception], object] | None
    def __init__(
        self,
        app: App,
        policy: str | int | FIFO | type[FIFO] | None = None,
        port: Port | None = None,
        trace: Trace | None = None,
        watchdog: _Watchdog | None = None,
    ) -> None: ...
    def every(self, name: str) -> Callable[[_Body], _Body]: ...
    def spawn(
        self, coro: Coroutine[Any, Any, object], priority: int = 255, name: str = "spawned"
    ) -> Task: ...
    def net(self, name: str) -> Net: ...
    def stats(self, name: str) -> Stats: ...
    def report(self) -> str: ...
    def cells(self) -> Iterator[str]: ...
    def run(self, until_us: int | None = None) -> None: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...
