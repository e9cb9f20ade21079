# SPDX-License-Identifier: Apache-2.0
"""The zoo's streams as generators for `app.toml`, as `"hocket_tools.zoo.inputs:keyword"`."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from hocket_tools.frames.tensor import TensorSpec

from .stream import stream

Tensors = Iterator[npt.NDArray[np.int8]]


def denoiser(tensor: TensorSpec, seed: int) -> Tensors:
    """The last 90 ms of a recording of words, each 10 ms."""
    return _tensors("denoiser")


def keyword(tensor: TensorSpec, seed: int) -> Tensors:
    """The last second of a recording of words, each 20 ms."""
    return _tensors("keyword")


def digits(tensor: TensorSpec, seed: int) -> Tensors:
    """Handwritten digits 0 to 9 in turn."""
    return _tensors("digits")


def detector(tensor: TensorSpec, seed: int) -> Tensors:
    """A drawn scene in which shapes move."""
    return _tensors("detector", seed + 1)


def _tensors(name: str, seed: int = 1) -> Tensors:
    return (frame.tensor for frame in stream(name, repeat=True, seed=seed))
