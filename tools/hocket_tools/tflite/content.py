# SPDX-License-Identifier: Apache-2.0
"""What a TFLite file holds, as read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from hocket_host.errors import HocketError

#: Characters of a layer's name that messages have.
_LONGEST_NAME = 100


class TfliteError(HocketError):
    """A file that is no TFLite model, or a damaged one."""


@dataclass(frozen=True)
class Quantisation:
    """Affine quantisation: ``real = scale * (stored - zero_point)``, per tensor or per channel."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @classmethod
    def tensor(cls, scale: float, zero_point: int = 0) -> Quantisation:
        """One scale for the whole tensor."""
        return cls((scale,), (zero_point,))

    @classmethod
    def channels(cls, scales: Sequence[float], axis: int) -> Quantisation:
        """One symmetric scale for each channel along ``axis``."""
        return cls(tuple(scales), (0,) * len(scales), axis)

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantisation, rounded to float32 as the file holds it."""
        return float(np.float32(self.scales[0]))

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantisation."""
        return self.zero_points[0]


@dataclass(frozen=True)
class TfliteTensor:
    """One tensor of a subgraph."""

    index: int
    name: str
    shape: tuple[int, ...]
    """Extents; a dimension that the model leaves open is the 1 that converters store."""
    dtype: str
    """numpy's name of the element type, or the schema's name in lower case where numpy has none."""
    quantization: Quantisation | None
    is_variable: bool
    data: bytes | None
    """Constant contents; None for what is computed."""
    signature: tuple[int, ...] | None = None
    """The shape as it was before the converter closed it, -1 for open; None where it says none."""

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


def short_name(name: str) -> str:
    """A layer's name as messages have it: of several that a converter has joined the first."""
    first = name.split(";", maxsplit=1)[0]
    return first if len(first) <= _LONGEST_NAME else f"{first[:_LONGEST_NAME]}…"


@dataclass(frozen=True)
class TfliteOperator:
    """One operator of a subgraph."""

    index: int
    kind: str
    """Name in the schema (``CONV_2D``), or the custom operator's own name."""
    custom: bool
    name: str
    """Name of its first output, which is how converters name layers."""
    inputs: tuple[int, ...]
    """Tensor indices; -1 for an optional input left out."""
    outputs: tuple[int, ...]

    def __str__(self) -> str:
        if not self.name:
            return f"{self.kind} (operator {self.index})"
        return f"{self.kind} '{short_name(self.name)}'"


@dataclass(frozen=True)
class Subgraph:
    """A graph of operators; the first of a model is its entry."""

    name: str
    tensors: tuple[TfliteTensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[TfliteOperator, ...]


@dataclass(frozen=True)
class Signature:
    """A name under which a subgraph may be called."""

    key: str
    subgraph: int


@dataclass(frozen=True)
class TfliteModel:
    """A TFLite file."""

    description: str
    subgraphs: tuple[Subgraph, ...]
    metadata: dict[str, bytes] = field(default_factory=dict, hash=False)
    """Contents of metadata by name; the last of several with one name."""
    signatures: tuple[Signature, ...] = ()

    @property
    def main(self) -> Subgraph:
        """The subgraph that an inference runs."""
        return self.subgraphs[0]
