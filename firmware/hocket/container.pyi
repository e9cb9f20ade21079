# SPDX-License-Identifier: Apache-2.0
from typing import Any

class App:
    accelerator: str
    address: int
    arena_size: int
    nets: list[Any]
    npu_config: int
    npu_hz: int
    npu_id: int
    policy: int
    size: int
    tasks: list[Any]
    total_steps: int
    def net(self, name: str) -> Any: ...
    def task(self, name: str) -> Any: ...

def load(
    source: str | int | bytes | bytearray | memoryview,
    *,
    npu_config: int | None = None,
    npu_id: int | None = None,
) -> App: ...
