# SPDX-License-Identifier: Apache-2.0
"""Generated frames: random, constant or counting, or from a function of the user's."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .tensor import Frames, SourceError, TensorSpec


def open_generator(name: str, tensor: TensorSpec, seed: int) -> Frames:
    """Frames of a generator: see `hocket_tools.frames.files.open_source`."""
    if name == "random":
        return _random(tensor, seed)
    if name == "constant":
        return _constant(tensor)
    if name == "ramp":
        return _ramp(tensor)
    module_name, colon, function_name = name.partition(":")
    if not colon:
        raise SourceError(
            "unknown generator",
            found=repr(name),
            expected="random, constant, ramp or package.module:function",
        )
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SourceError(
            "generator cannot be imported",
            where=name,
            found=f"{type(error).__name__}: {error}",
            expected="a function of an importable module",
            try_="check the spelling, and that the module is on PYTHONPATH",
        ) from error
    return _checked(name, iter(function(tensor, seed)), tensor)


def _random(tensor: TensorSpec, seed: int) -> Frames:
    rng = np.random.default_rng(seed)
    if np.dtype(tensor.dtype).kind == "f":
        while True:
            yield (rng.random(tensor.shape) * 2 - 1).astype(tensor.dtype)
    low, high = tensor.limits()
    while True:
        yield rng.integers(low, high, size=tensor.shape, dtype=tensor.dtype, endpoint=True)


def _constant(tensor: TensorSpec) -> Frames:
    value = 0 if np.dtype(tensor.dtype).kind == "f" else tensor.zero_point
    while True:
        yield np.full(tensor.shape, value, dtype=tensor.dtype)


def _ramp(tensor: TensorSpec) -> Frames:
    base = np.arange(tensor.size, dtype=np.int64).reshape(tensor.shape)
    if np.dtype(tensor.dtype).kind == "f":
        for number in count():
            yield ((base + number * tensor.size) % 256 / 128 - 1).astype(tensor.dtype)
    low, high = tensor.limits()
    for number in count():
        values: NDArray[Any] = low + (base + number * tensor.size) % (high - low + 1)
        yield values.astype(tensor.dtype)


def _checked(name: str, frames: Iterator[Any], tensor: TensorSpec) -> Frames:
    for number, frame in enumerate(frames):
        shape, dtype = getattr(frame, "shape", None), getattr(frame, "dtype", None)
        if shape != tensor.shape or dtype != np.dtype(tensor.dtype):
            raise SourceError(
                "generator made a frame that does not fit the tensor",
                where=f"{name}, frame {number}",
                found=f"{type(frame).__name__} {dtype} of shape {shape}",
                expected=tensor.describe(),
            )
        yield frame
