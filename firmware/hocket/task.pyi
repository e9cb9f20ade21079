# SPDX-License-Identifier: Apache-2.0
from collections.abc import Coroutine
from typing import Any

class Task:
    name: str
    priority: int
    def __init__(
        self,
        kernel: Any,
        name: str,
        coro: Coroutine[Any, Any, object] | None,
        priority: int,
        index: int,
    ) -> None: ...
