# SPDX-License-Identifier: Apache-2.0
"""Changes to model files, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder, Quantisation, unpack_model, write_model

SCALE = Quantisation.tensor(0.05)
SHAPE = (1, 4, 4, 3)


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    """A model with something changed in the schema's objects."""
    tree = unpack_model(data)
    change(tree)
    return write_model(tree)


def relus(count: int = 2) -> bytes:
    """Some RELU in a row."""
    model = ModelBuilder()
    before = model.input("given", SHAPE, np.int8, SCALE)
    for number in range(count):
        last = number == count - 1
        after = (model.output if last else model.activation)(f"t{number}", SHAPE, np.int8, SCALE)
        model.operator("RELU", (before,), (after,))
        before = after
    return model.finish()
