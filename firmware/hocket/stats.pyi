# SPDX-License-Identifier: Apache-2.0
from typing import Any

class Stats:
    jobs: int
    completed: int
    misses: int
    skipped: int
    aborted: int
    faults: int
    response_min_us: int
    response_max_us: int
    def __init__(self, agenda: Any, index: int, dispatcher: Any, slot: int) -> None: ...
    def clear(self) -> None: ...
    @property
    def response_mean_us(self) -> int: ...
    @property
    def blocking_max_us(self) -> int: ...
    @property
    def npu_cycles(self) -> int: ...
