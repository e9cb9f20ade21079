# SPDX-License-Identifier: Apache-2.0
"""Operators on two operands: ADD, SUB, MUL, MINIMUM, MAXIMUM, SQUARED_DIFFERENCE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hocket_tools.tflite.builder import ModelBuilder

from ..case import ACTIVATIONS, Case

_OPTIONS = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MAXIMUM": "MaximumMinimumOptions",
    "SQUARED_DIFFERENCE": "SquaredDifferenceOptions",
}
_FUSES = ("ADD", "SUB", "MUL")


@dataclass(frozen=True)
class Binary(Case):
    """One elementwise operator on two operands."""

    kind: str = "ADD"
    left: tuple[int, ...] = (1, 5, 6, 9)
    right: tuple[int, ...] = (1, 5, 6, 9)
    constant: str = ""
    """``"left"`` or ``"right"`` when that operand is a constant."""
    scales: tuple[float, float, float] = (0.05, 0.05, 0.05)
    """Of the operands and the result, as for int8."""
    zeros: tuple[int, int, int] = (0, 0, 0)
    activation: str = "none"

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        unit = 1 / 256 if self.is_int16 else 1.0
        quantisations = [
            self.quantisation(scale * unit, zero)
            for scale, zero in zip(self.scales, self.zeros, strict=True)
        ]
        operands = []
        for index, (side, shape) in enumerate((("left", self.left), ("right", self.right))):
            if side == self.constant:
                info = np.iinfo(self.dtype)
                values = self.generator("constant").integers(
                    info.min, info.max, shape, self.dtype, endpoint=True
                )
                operands.append(model.constant(side, values, quantisations[index]))
            else:
                operands.append(model.input(side, shape, self.dtype, quantisations[index]))
        shape = np.broadcast_shapes(self.left, self.right)
        result = model.output("output", shape, self.dtype, quantisations[2])
        fused = (
            {"fusedActivationFunction": ACTIVATIONS[self.activation]} if self.kind in _FUSES else {}
        )
        model.operator(self.op, operands, (result,), _OPTIONS[self.kind], version=2, **fused)


_SUM_CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("equal-scales", {"scales": (0.05, 0.05, 0.09)}),
    ("different-scales", {"scales": (0.05, 0.013, 0.047), "zeros": (3, -11, 5)}),
    ("swapped-scales", {"scales": (0.007, 0.06, 0.055), "zeros": (3, -11, 5)}),
    ("zero-points-at-ends", {"scales": (0.05, 0.05, 0.1), "zeros": (-128, 127, -128)}),
    ("zero-points-at-ends-scaled", {"scales": (0.05, 0.021, 0.1), "zeros": (127, -128, 127)}),
    ("far-scales", {"scales": (0.9, 0.0011, 0.8), "zeros": (-1, 2, -3)}),
    ("relu", {"activation": "relu", "zeros": (2, 3, -20)}),
    ("relu6", {"activation": "relu6", "zeros": (2, 3, -20), "scales": (0.05, 0.04, 0.06)}),
    ("scalar-constant", {"right": (1,), "constant": "right", "zeros": (4, -9, 1)}),
    ("channel-constant", {"right": (9,), "constant": "right", "scales": (0.05, 0.03, 0.06)}),
    ("broadcast-width", {"right": (1, 5, 1, 9), "scales": (0.05, 0.03, 0.06)}),
    ("broadcast-left", {"left": (1, 1, 1, 9), "scales": (0.02, 0.03, 0.06)}),
    ("vector", {"left": (1, 37), "right": (1, 37), "scales": (0.02, 0.03, 0.04)}),
)
_MUL_CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("plain", {"scales": (0.05, 0.05, 0.17)}),
    ("different-scales", {"scales": (0.05, 0.013, 0.031), "zeros": (3, -11, 5)}),
    ("zero-points-at-ends", {"scales": (0.05, 0.05, 0.35), "zeros": (-128, 127, 127)}),
    ("gain-above-one", {"scales": (1.2, 1.1, 0.9), "zeros": (1, 2, 3)}),
    ("tiny-gain", {"scales": (0.01, 0.01, 0.7)}),
    ("relu6", {"activation": "relu6", "scales": (0.05, 0.05, 0.1), "zeros": (1, 2, -30)}),
    ("scalar-constant", {"right": (1,), "constant": "right", "scales": (0.05, 0.03, 0.1)}),
    ("channel-constant", {"right": (9,), "constant": "right", "scales": (0.05, 0.03, 0.1)}),
    ("broadcast-hw", {"right": (1, 1, 1, 9), "scales": (0.05, 0.03, 0.1)}),
    ("depth130", {"left": (1, 2, 3, 130), "right": (1, 2, 3, 130), "scales": (0.05, 0.03, 0.1)}),
)
_SELECT_CASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("plain", {}),
    ("zero-points", {"zeros": (-100, -100, -100)}),
    ("scalar-constant", {"right": (1,), "constant": "right"}),
    ("broadcast-depth", {"right": (1, 5, 6, 1)}),
)
_INT16 = ("equal-scales", "different-scales", "swapped-scales", "far-scales", "relu",
          "broadcast-width", "scalar-constant")  # fmt: skip
_INT16_MUL = ("plain", "different-scales", "relu6", "gain-above-one", "scalar-constant",
              "channel-constant")  # fmt: skip


def _cases() -> list[Case]:
    cases: list[Case] = []
    for kind, table, short in (
        ("ADD", _SUM_CASES, _INT16),
        ("SUB", _SUM_CASES, _INT16),
        ("MUL", _MUL_CASES, _INT16_MUL),
        ("MINIMUM", _SELECT_CASES, ("plain",)),
        ("MAXIMUM", _SELECT_CASES, ("plain",)),
    ):
        cases += [Binary(name, kind=kind, **fields) for name, fields in table]
        cases += [
            Binary(name, dtype="int16", kind=kind, **fields)
            for name, fields in table
            if name in short
        ]
    cases += [
        Binary("equal-scales", kind="SQUARED_DIFFERENCE", scales=(0.05, 0.05, 0.3)),
        Binary("different-scales", kind="SQUARED_DIFFERENCE", scales=(0.05, 0.03, 0.3),
               zeros=(4, -7, -128)),
        Binary("channel-constant", kind="SQUARED_DIFFERENCE", right=(9,), constant="right",
               scales=(0.05, 0.03, 0.3)),
    ]  # fmt: skip
    # TFLite's int16 addition with power-of-two scales takes another path than the general one.
    cases += [
        Binary("power-of-two-scales", dtype="int16", kind=kind, scales=(2**-7, 2**-8, 2**-7))
        for kind in ("ADD", "SUB")
    ]
    return cases


CASES: tuple[Case, ...] = tuple(_cases())
