# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence

from typing_extensions import Buffer

from ..tensor import Tensor

class Adaptor:
    tensor: Tensor
    typecode: str
    def __init__(
        self, tensor: Tensor, typecode: str = "f", scale: float = 1.0, zero_point: int = 0
    ) -> None: ...
    def convert(self, frame: Buffer, first: int, target: Buffer, at: int, n: int) -> None: ...
    def write(self, frame: Buffer | Sequence[float], at: int = 0, n: int | None = None) -> None: ...
