# SPDX-License-Identifier: Apache-2.0
"""The tensor that frames are made for, and real numbers made into its elements."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError

Frames = Iterator[NDArray[Any]]


class SourceError(HocketError):
    """An input that cannot be read, or does not fit the tensor it is for."""


@dataclass(frozen=True)
class TensorSpec:
    """The tensor that frames are made for."""

    shape: tuple[int, ...]
    dtype: str
    """numpy's name: ``int8``, ``uint8``, ``int16``, ``int32`` or ``float32``."""
    scale: float = 1.0
    zero_point: int = 0

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def limits(self) -> tuple[int, int]:
        """Least and greatest value of an integer tensor, or of a bool one."""
        if self.dtype == "bool":
            return 0, 1
        info = np.iinfo(self.dtype)
        return int(info.min), int(info.max)

    def real_range(self) -> tuple[float, float]:
        """Real values that an integer tensor can represent."""
        low, high = self.limits()
        return (low - self.zero_point) * self.scale, (high - self.zero_point) * self.scale

    def describe(self) -> str:
        """Shape and dtype for an error."""
        return f"{self.dtype} of shape {'x'.join(map(str, self.shape)) or 'one element'}"


def quantize(values: NDArray[Any], tensor: TensorSpec) -> NDArray[Any]:
    """Real numbers to a tensor's dtype: divide by scale, round, add zero point, saturate.

    Halves are rounded away from zero, as TensorFlow Lite's QUANTIZE does. A float tensor takes the
    numbers as they are.

    Parameters
    ----------
    values
        Any shape; finite.
    tensor
        Its dtype, scale and zero point.

    Raises
    ------
    SourceError
        A value is not finite, or the scale is not positive.
    """
    real = np.asarray(values, dtype=np.float64)
    if not np.isfinite(real).all():
        raise SourceError(
            "values that are not finite cannot be quantized",
            found=f"{int((~np.isfinite(real)).sum())} of {real.size} are NaN or infinite",
            expected="finite numbers",
        )
    if np.dtype(tensor.dtype).kind == "f":
        return real.astype(tensor.dtype)
    if not tensor.scale > 0:
        raise SourceError(
            "a tensor without a scale cannot be quantized to",
            found=f"scale {tensor.scale}",
            expected="a scale above 0",
            try_='mode = "raw"',
        )
    scaled = real / tensor.scale
    rounded = np.copysign(np.floor(np.abs(scaled) + 0.5), scaled) + tensor.zero_point
    low, high = tensor.limits()
    saturated: NDArray[Any] = np.clip(rounded, low, high)
    return saturated.astype(tensor.dtype)
