# SPDX-License-Identifier: Apache-2.0
"""Operators on one operand: activations, tables, roots, softmax, requantisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hocket_tools.tflite.builder import ModelBuilder, Quantisation

from ..case import Case

_OPTIONS = {
    "ABS": "AbsOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "HARD_SWISH": "HardSwishOptions",
    "SOFTMAX": "SoftmaxOptions",
    "EXP": "ExpOptions",
    "NEG": "NegOptions",
    "GELU": "GeluOptions",
    "QUANTIZE": "QuantizeOptions",
}


@dataclass(frozen=True)
class Unary(Case):
    """One operator that maps a tensor to one of the same shape."""

    kind: str = "RELU"
    shape: tuple[int, ...] = (1, 16, 16, 1)
    """256 elements by default: the ramp then holds each 8-bit value once."""
    scales: tuple[float, float] = (0.05, 0.05)
    zeros: tuple[int, int] = (0, 0)
    output_dtype: str = ""
    attributes: tuple[tuple[str, Any], ...] = field(default=())
    exact_scales: bool = False
    """Whether scales are as given for int16 too, rather than for int8 and divided by 256."""
    lowest: int | None = None
    """Least input value: what is below lies outside the operator's domain."""

    @property
    def op(self) -> str:
        """Name of the TFLite operator."""
        return self.kind

    def _quantisation(self, dtype: str, scale: float, zero: int) -> Quantisation:
        if dtype != "int16":
            return Quantisation.tensor(scale, zero)
        return Quantisation.tensor(scale if self.exact_scales else scale / 256)

    def inputs(self, dtype: Any, shape: tuple[int, ...], index: int) -> list[NDArray[Any]]:
        """Input patterns, raised into the domain."""
        found = super().inputs(dtype, shape, index)
        if self.lowest is None:
            return found
        return [np.maximum(values, np.array(self.lowest, dtype)) for values in found]

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        target = self.output_dtype or self.dtype
        source = model.input(
            "input",
            self.shape,
            self.dtype,
            self._quantisation(self.dtype, self.scales[0], self.zeros[0]),
        )
        result = model.output(
            "output", self.shape, target, self._quantisation(target, self.scales[1], self.zeros[1])
        )
        model.operator(
            self.op,
            (source,),
            (result,),
            _OPTIONS.get(self.kind),
            version=2,
            **dict(self.attributes),
        )


@dataclass(frozen=True)
class Prelu(Case):
    """PRELU with one slope a channel."""

    operator: ClassVar[str] = "PRELU"
    shape: tuple[int, ...] = (1, 6, 6, 9)
    scales: tuple[float, float, float] = (0.05, 0.008, 0.05)
    zeros: tuple[int, int, int] = (3, 0, -4)
    negative: bool = True
    """Whether some slopes are negative."""

    def build(self, model: ModelBuilder) -> None:
        """Add the operator."""
        quantisations = [
            self.quantisation(scale / (256 if self.is_int16 and i != 1 else 1), zero)
            for i, (scale, zero) in enumerate(zip(self.scales, self.zeros, strict=True))
        ]
        source = model.input("input", self.shape, self.dtype, quantisations[0])
        low = -127 if self.negative else 0
        slopes = self.generator("slopes").integers(low, 127, (1, 1, self.shape[-1]), endpoint=True)
        alpha = model.constant("alpha", slopes.astype(self.dtype), quantisations[1])
        result = model.output("output", self.shape, self.dtype, quantisations[2])
        model.operator(self.op, (source, alpha), (result,))


def _relus() -> list[Case]:
    cases: list[Case] = []
    for kind in ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"):
        cases.append(Unary("plain", kind=kind, zeros=(-10, -10)))
        if kind != "RELU6":  # tflite_micro clips only, whatever the output's scale
            cases.append(Unary("rescaled", kind=kind, scales=(0.06, 0.026), zeros=(5, -90)))
    cases.append(Unary("plain", dtype="int16", kind="RELU"))
    cases.append(Unary("rescaled", dtype="int16", kind="RELU", scales=(0.06, 0.026)))
    cases.append(Unary("plain", dtype="int16", kind="RELU6"))
    return cases


def _activations() -> list[Case]:
    unit8: dict[str, Any] = {"scales": (0.05, 1 / 256), "zeros": (4, -128)}
    sym8: dict[str, Any] = {"scales": (0.05, 1 / 128), "zeros": (4, 0)}
    unit16: dict[str, Any] = {"dtype": "int16", "exact_scales": True}
    return [
        Unary("plain", kind="LOGISTIC", **unit8),
        Unary("wide", kind="LOGISTIC", scales=(0.2, 1 / 256), zeros=(-60, -128)),
        Unary("plain", kind="LOGISTIC", scales=(1 / 4096, 1 / 32768), **unit16),
        Unary("wide", kind="LOGISTIC", scales=(1 / 2048, 1 / 32768), **unit16),
        Unary("odd-scale", kind="LOGISTIC", scales=(0.000317, 1 / 32768), **unit16),
        Unary("plain", kind="TANH", **sym8),
        Unary("ties", kind="TANH", scales=(1 / 256, 1 / 128), zeros=(-128, 0)),
        Unary("wide", kind="TANH", scales=(0.2, 1 / 128), zeros=(90, 0)),
        Unary("plain", kind="TANH", scales=(1 / 4096, 1 / 32768), **unit16),
        Unary("wide", kind="TANH", scales=(1 / 2048, 1 / 32768), **unit16),
        Unary("odd-scale", kind="TANH", scales=(0.000317, 1 / 32768), **unit16),
        Unary("plain", kind="HARD_SWISH", scales=(0.05, 0.04), zeros=(3, -100)),
        Unary("narrow", kind="HARD_SWISH", scales=(0.008, 0.004), zeros=(-20, 30)),
        Unary("wide", kind="HARD_SWISH", scales=(0.3, 0.15), zeros=(-1, -128)),
        Unary("plain", kind="ELU", scales=(0.05, 0.05), zeros=(3, -40)),
        Unary("plain", kind="GELU", scales=(0.05, 0.03), zeros=(3, -100)),
        Unary("approximate", kind="GELU", scales=(0.05, 0.03), zeros=(3, -100),
              attributes=(("approximate", True),)),
        Unary("plain", kind="EXP", scales=(0.02, 0.1), zeros=(10, -128)),
        Unary("plain", kind="EXP", scales=(0.02, 0.1), dtype="int16"),
        Unary("plain", kind="LOG", scales=(0.02, 0.03), zeros=(-128, 40)),
        Unary("plain", kind="RSQRT", scales=(0.02, 0.03), zeros=(-128, -128)),
        Unary("plain", kind="RSQRT", scales=(0.02, 0.01), dtype="int16", lowest=1,
              shape=(1, 1, 8, 1)),
    ]  # fmt: skip


def _slopes() -> list[Case]:
    def alpha(value: float) -> dict[str, Any]:
        return {"kind": "LEAKY_RELU", "attributes": (("alpha", value),)}

    return [
        Unary("plain", zeros=(3, 3), **alpha(0.1)),
        Unary("rescaled", scales=(0.05, 0.031), zeros=(13, -30), **alpha(0.2)),
        Unary("negative-slope", scales=(0.05, 0.031), zeros=(13, -30), **alpha(-0.3)),
        Unary("slope-above-one", scales=(0.05, 0.09), zeros=(1, 2), **alpha(1.5)),
        Unary("slope-zero", zeros=(1, 1), **alpha(0.0)),
        Unary("plain", dtype="int16", shape=(1, 16, 16, 4), **alpha(0.1)),
        Unary("rescaled", dtype="int16", scales=(0.05, 0.031), **alpha(0.2)),
        Unary("negative-slope", dtype="int16", scales=(0.05, 0.031), **alpha(-0.3)),
        Prelu("mixed-slopes"),
        Prelu("positive-slopes", negative=False),
        Prelu("rescaled", scales=(0.05, 0.008, 0.021), zeros=(-40, 3, 60)),
        Unary("plain", kind="ABS", zeros=(0, 0)),
        Unary("rescaled", kind="ABS", scales=(0.05, 0.026), zeros=(9, -128)),
        Unary("plain", dtype="int16", kind="ABS"),
        Unary("plain", kind="NEG", zeros=(5, -5)),
        Unary("plain", dtype="int16", kind="NEG"),
    ]


def _softmax() -> list[Case]:
    def softmax(name: str, **fields: Any) -> Unary:
        fields.setdefault("scales", (0.04, 1 / 256))
        fields.setdefault("zeros", (-7, -128))
        beta = fields.pop("beta", 1.0)
        return Unary(name, kind="SOFTMAX", attributes=(("beta", beta),), **fields)

    return [
        softmax("vector10", shape=(1, 10)),
        softmax("vector2", shape=(1, 2)),
        softmax("vector1", shape=(1, 1)),
        softmax("vector130", shape=(1, 130), scales=(0.03, 1 / 256)),
        softmax("batch7", shape=(7, 12)),
        softmax("4d", shape=(1, 3, 4, 11)),
        softmax("sharp", shape=(4, 9), scales=(0.9, 1 / 256)),
        softmax("flat", shape=(4, 9), scales=(0.002, 1 / 256)),
        softmax("beta", shape=(4, 9), beta=0.5),
        softmax("vector10", shape=(1, 10), dtype="int16", exact_scales=True,
                scales=(0.0002, 1 / 32768)),
        softmax("scale-of-ten", shape=(1, 10), dtype="int16", exact_scales=True,
                scales=(10 / 65535, 1 / 32768)),
        softmax("batch7", shape=(7, 33), dtype="int16", exact_scales=True,
                scales=(0.0007, 1 / 32768)),
    ]  # fmt: skip


def _requantisations() -> list[Case]:
    def quantise(name: str, **fields: Any) -> Unary:
        return Unary(name, kind="QUANTIZE", **fields)

    return [
        quantise("int8-down", scales=(0.05, 0.11), zeros=(3, -20)),
        quantise("int8-up", scales=(0.05, 0.021), zeros=(-3, 20)),
        quantise("int8-shift-only", zeros=(-20, 35)),
        quantise("int8-zero-points-low", scales=(0.05, 0.07), zeros=(-128, -128)),
        quantise("int8-zero-points-high", scales=(0.05, 0.07), zeros=(127, 127)),
        quantise("int8-to-uint8", output_dtype="uint8", zeros=(-12, 116)),
        quantise("uint8-to-int8", dtype="uint8", output_dtype="int8", zeros=(116, -12)),
        quantise("int16-down", dtype="int16", scales=(0.05, 0.11)),
        quantise("int8-to-int16", output_dtype="int16", zeros=(7, 0)),
        quantise("int16-to-int8", dtype="int16", output_dtype="int8", scales=(0.05, 0.04),
                 zeros=(0, -9)),
    ]  # fmt: skip


CASES: tuple[Case, ...] = (
    *_relus(),
    *_activations(),
    *_slopes(),
    *_softmax(),
    *_requantisations(),
)
