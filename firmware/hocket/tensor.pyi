# SPDX-License-Identifier: Apache-2.0
from array import array
from collections.abc import Iterator, Sequence
from typing import Any, Literal, overload

from typing_extensions import Buffer

from .ops.adapt import Adaptor

class Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: str
    typecode: str
    scale: float
    zero_point: int
    raw: memoryview
    def __init__(self, info: Any, raw: memoryview) -> None: ...
    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, i: int) -> float: ...
    @overload
    def __getitem__(self, i: slice) -> array[int] | array[float]: ...
    @overload
    def __setitem__(self, i: int, value: float) -> None: ...
    @overload
    def __setitem__(self, i: slice, value: Buffer | Sequence[float]) -> None: ...
    def __iter__(self) -> Iterator[float]: ...
    def write(self, data: Buffer | Sequence[float]) -> None: ...
    def adaptor(
        self,
        typecode: Literal["f", "b", "B", "h", "H"] = "f",
        scale: float = 1.0,
        zero_point: int = 0,
    ) -> Adaptor: ...
