# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

RELEASE: int
START: int
END: int
COMPLETE: int
MISS: int
SKIP: int
FAULT: int
RESUME: int
CPU_START: int
CPU_END: int
KINDS: tuple[str | None, ...]

class Trace:
    def __init__(self, capacity: int = 256) -> None: ...
    def __len__(self) -> int: ...
    @property
    def lost(self) -> int: ...
    def clear(self) -> None: ...
    def records(self) -> Iterator[tuple[int, int, int, int]]: ...
