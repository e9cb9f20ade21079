# SPDX-License-Identifier: Apache-2.0
from collections.abc import Callable
from typing import Any

def ticks_add(ticks: int, us: int) -> int: ...
def ticks_diff(end: int, start: int) -> int: ...

class Port:
    board: Any
    npu_base: int
    npu_protection: int
    arena_base: int
    arena_size: int
    ticks_us: Callable[[], int]
    def __init__(self, board: Any = None) -> None: ...
