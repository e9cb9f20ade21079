# SPDX-License-Identifier: Apache-2.0
"""The reference interpreter, as a function of a network's name and input."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tflite_micro import runtime

from hocket_tools import zoo

Infer = Callable[[str, npt.NDArray[np.int8]], list[npt.NDArray[np.int8]]]


@cache
def _interpreter(name: str) -> Any:
    return runtime.Interpreter.from_bytes(zoo.path(name).read_bytes())


@pytest.fixture(scope="session")
def infer() -> Infer:
    def run(name: str, tensor: npt.NDArray[np.int8]) -> list[npt.NDArray[np.int8]]:
        interpreter = _interpreter(name)
        interpreter.set_input(tensor.reshape(zoo.card(name).input.shape), 0)
        interpreter.invoke()
        return [interpreter.get_output(i) for i in range(len(zoo.card(name).outputs))]

    return run
