# SPDX-License-Identifier: Apache-2.0
"""Cases drawn at random, for soaks: shapes, windows, scales and zero points nobody thought of.

A case is decided by its number alone, so that a failure is run again by naming it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case
from .binary import Binary
from .convolution import Conv, DepthwiseConv, TransposeConv
from .dense import FullyConnected
from .pooling import Pool, Reduce
from .unary import Unary


class _Draw:
    """Draws attributes; a name each for what the families have in common."""

    def __init__(self, number: int) -> None:
        self._random = np.random.default_rng(number)
        self.dtype = self.one_of("int8", "int8", "int8", "int16")

    def one_of(self, *choices: Any) -> Any:
        """One of the values."""
        return choices[int(self._random.integers(len(choices)))]

    def integer(self, low: int, high: int) -> int:
        """An integer, both ends included, small ones more often."""
        return low + int((high - low + 1) * self._random.random() ** 2)

    def scale(self) -> float:
        """A scale between 0.004 and 0.4."""
        return float(0.004 * 100 ** self._random.random())

    def zero(self) -> int:
        """A zero point of int8; the ends more often."""
        return int(self.one_of(-128, 127, 0, *self._random.integers(-128, 128, 5)))

    def depth(self) -> int:
        """Channels; near multiples of 8 and 16 more often."""
        near = 8 * self.integer(1, 9) + int(self.one_of(-1, 0, 0, 1))
        return int(self.one_of(self.integer(1, 70), near))

    def weighted(self) -> dict[str, Any]:
        """What all operators with weights have."""
        return {
            "dtype": self.dtype,
            "activation": self.one_of("none", "none", "relu", "relu6"),
            "bias": self.one_of(True, True, False),
            "input_scale": self.scale(),
            "input_zero": self.zero(),
            "output_zero": self.zero(),
            "weight_zero_share": self.one_of(0.0, 0.0, 0.3, 0.8),
            "gain": self.one_of(0.3, 1.0, 1.0, 3.0),
        }

    def window(self) -> dict[str, Any]:
        """Kernel, stride, dilation, padding, and a size that holds the window."""
        kernel = (self.integer(1, 9), self.integer(1, 9))
        dilation = self.one_of((1, 1), (1, 1), (1, 1), (2, 2), (1, 2))
        stride = (self.integer(1, 3), self.integer(1, 3)) if dilation == (1, 1) else (1, 1)
        size = tuple(
            (k - 1) * d + 1 + self.integer(0, 18) for k, d in zip(kernel, dilation, strict=True)
        )
        return {
            "kernel": kernel,
            "stride": stride,
            "dilation": dilation,
            "padding": self.one_of("same", "valid"),
            "size": size,
        }


def drawn_case(number: int) -> Case:
    """Return the case of a number."""
    draw = _Draw(number)
    make = draw.one_of(
        _conv, _conv, _depthwise, _transpose, _dense, _pool, _binary, _binary, _reduce, _quantise
    )
    case: Case = make(draw, f"drawn{number}")
    return case


def _conv(draw: _Draw, name: str) -> Case:
    return Conv(name, depth=draw.depth(), channels=draw.depth(), **draw.weighted(), **draw.window())


def _depthwise(draw: _Draw, name: str) -> Case:
    # tflite_micro needs the bias: without it, it reads through a null pointer.
    fields = {**draw.weighted(), **draw.window(), "bias": True}
    return DepthwiseConv(name, depth=draw.depth(), **fields)


def _transpose(draw: _Draw, name: str) -> Case:
    return TransposeConv(
        name,
        depth=draw.depth(),
        channels=draw.depth(),
        kernel=(draw.integer(2, 5), draw.integer(2, 5)),
        size=(draw.integer(2, 9), draw.integer(2, 9)),
        padding=draw.one_of("same", "valid"),
        **{**draw.weighted(), "activation": "none"},
    )


def _dense(draw: _Draw, name: str) -> Case:
    return FullyConnected(
        name,
        batch=draw.one_of(1, 1, 1, draw.integer(2, 9)),
        depth=draw.integer(1, 600),
        channels=draw.integer(1, 150),
        **draw.weighted(),
    )


def _pool(draw: _Draw, name: str) -> Case:
    fields = draw.window()
    del fields["dilation"]
    if fields["padding"] == "same":  # Vela's limit for an average with padding
        fields["kernel"] = tuple(min(k, 8) for k in fields["kernel"])
    return Pool(
        name,
        dtype=draw.dtype,
        kind=draw.one_of("MAX", "AVERAGE"),
        depth=draw.depth(),
        scale=draw.scale(),
        zero=draw.zero(),
        **fields,
    )


def _binary(draw: _Draw, name: str) -> Case:
    shape = (1, draw.integer(1, 9), draw.integer(1, 9), draw.depth())
    other = tuple(draw.one_of(n, n, n, 1) for n in shape)
    return Binary(
        name,
        # Products of 16-bit operands are scaled differently by Vela (see `pinned`).
        dtype="int8",
        kind=draw.one_of("ADD", "SUB", "MUL"),
        left=shape,
        right=other,
        scales=(draw.scale(), draw.scale(), draw.scale()),
        zeros=(draw.zero(), draw.zero(), draw.zero()),
        activation=draw.one_of("none", "none", "relu", "relu6"),
    )


def _reduce(draw: _Draw, name: str) -> Case:
    return Reduce(
        name,
        dtype=draw.dtype,
        shape=(1, draw.integer(1, 20), draw.integer(1, 20), draw.depth()),
        axes=draw.one_of((1, 2), (1,), (2,)),
        scales=(draw.scale(), draw.scale()),
        zeros=(draw.zero(), draw.zero()),
    )


def _quantise(draw: _Draw, name: str) -> Case:
    return Unary(
        name,
        kind="QUANTIZE",
        dtype=draw.dtype,
        scales=(draw.scale(), draw.scale()),
        zeros=(draw.zero(), draw.zero()),
    )
