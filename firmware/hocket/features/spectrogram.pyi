# SPDX-License-Identifier: Apache-2.0
from typing_extensions import Buffer

from ..tensor import Tensor
from .frontend import Frontend

class Spectrogram:
    frontend: Frontend
    step_samples: int
    data: memoryview
    ready: bool
    def __init__(
        self,
        tensor: Tensor,
        frontend: Frontend | None = None,
        fresh: int | None = None,
        scale: float = 0.0390625,
    ) -> None: ...
    def reset(self) -> None: ...
    def push(self, samples: Buffer) -> bool: ...
    def step(self) -> bool: ...
    def feed(self, samples: Buffer) -> bool: ...
