# SPDX-License-Identifier: Apache-2.0
"""Layers that Vela rounds in a way of its own on the NPU, so that their outputs may differ.

The tests pin these operators value by value; here the layers of any network are listed, so that a
difference can be explained. Each of them is exact on the CPU.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from ..cpu import SourceOperator, read_source, reason
from ..cpu.packing import quantise_multiplier
from ..tflite.model import TfliteModel, TfliteTensor, read_tflite

_NARROW = ("int8", "uint8")
_SHOWN = 8


@dataclass(frozen=True)
class OwnArithmetic:
    """One layer, if it runs on the NPU."""

    layer: str | int
    """Its name, or its index in the file where it has none: either is good for ``on-cpu``."""
    kind: str
    dtype: str
    why: str
    """How the two sides compute it."""
    rare: bool
    """Whether only values next to a tie differ, about one in a million."""
    lacking: str | None
    """Why the CPU cannot run it, or None when it can."""

    def __str__(self) -> str:
        name = f"'{self.layer}'" if isinstance(self.layer, str) else f"(operator {self.layer})"
        return f"{self.kind} {self.dtype} {name}"


def own_arithmetic(model: bytes, on_cpu: Collection[str | int] = ()) -> tuple[OwnArithmetic, ...]:
    """Layers whose outputs may differ from tflite_micro's because of Vela's arithmetic.

    Parameters
    ----------
    model
        Bytes of a .tflite file.
    on_cpu
        Names of layers, or indices of operators, that do not run on the NPU.

    Returns
    -------
    tuple of OwnArithmetic
        In the file's order, those that differ rarely last.

    Raises
    ------
    TfliteError
        The file is damaged.
    """
    source: TfliteModel = read_tflite(model)
    found = []
    for index, operator in enumerate(read_source(model, source)):
        known = _KINDS.get(operator.kind)
        if known is None or operator.name in on_cpu or index in on_cpu:
            continue
        applies, rare, why = known
        dtype = operator.input(0).dtype
        if applies(operator):
            layer = operator.name or index
            found.append(OwnArithmetic(layer, operator.kind, dtype, why, rare, reason(operator)))
    return tuple(sorted(found, key=lambda layer: layer.rare))


def explained(layers: Sequence[OwnArithmetic]) -> list[str]:
    """What may be behind a difference, as lines of text."""
    if not layers:
        return ["none of its layers on the NPU is known to differ: please report it"]
    lines = ["these layers on the NPU may be why; Vela rounds them in its own way:"]
    for layer in layers[:_SHOWN]:
        often = " (seen next to ties only)" if layer.rare else ""
        lines.append(f"  {layer}: {layer.why}{often}")
    if len(layers) > _SHOWN:
        lines.append(f"  and {len(layers) - _SHOWN} more")
    return lines + remedy(layers)


def listed(layers: Sequence[OwnArithmetic]) -> str:
    """Layers in one line, the first of many."""
    more = f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else ""
    return ", ".join(map(str, layers[:_SHOWN])) + more


def remedy(layers: Sequence[OwnArithmetic]) -> list[str]:
    """What makes layers exact, as lines of text."""
    exact = [layer for layer in layers if layer.lacking is None]
    lines = []
    if exact:
        named = ", ".join(json.dumps(e.layer, ensure_ascii=False) for e in exact[:_SHOWN])
        more = f" (and {len(exact) - _SHOWN} more)" if len(exact) > _SHOWN else ""
        lines.append(f"on-cpu = [{named}]{more} makes {'it' if len(exact) == 1 else 'them'} exact")
    lines += [
        f"{layer}: the CPU cannot run it ({layer.lacking})"
        for layer in [e for e in layers if e.lacking is not None][:_SHOWN]
    ]
    return lines


def _scale(tensor: TfliteTensor) -> float:
    quantization = tensor.quantization
    return quantization.scales[0] if quantization and quantization.scales else 1.0


def _leaky_relu(operator: SourceOperator) -> bool:
    # Without a slope Vela makes it a RELU.
    return operator.input(0).dtype == "int16" and float(operator.option("alpha", 0.0)) != 0.0


def _rsqrt(operator: SourceOperator) -> bool:
    return operator.input(0).dtype == "int16"


def _tanh(operator: SourceOperator) -> bool:
    return operator.input(0).dtype in _NARROW


def _sum(operator: SourceOperator) -> bool:
    given, result = operator.input(0), operator.outputs[0]
    integers = given.dtype in (*_NARROW, "int16")
    return integers and _scale(given) / _scale(result) < 0.5


def _mul(operator: SourceOperator) -> bool:
    if operator.input(0).dtype != "int16":
        return False
    scales = [_scale(t) for t in (operator.input(0), operator.input(1), operator.outputs[0])]
    left, right, result = map(np.float32, scales)
    return _differ(float(left * right / result), scales[0] * scales[1] / scales[2])


def _fully_connected(operator: SourceOperator) -> bool:
    given, weights, result = operator.input(0), operator.input(1), operator.outputs[0]
    several = weights.quantization is not None and len(weights.quantization.scales) > 1
    if given.dtype not in ("int8", "int16") or several:
        return False
    single = float(np.float32(_scale(given)) * np.float32(_scale(weights))) / _scale(result)
    double = _scale(given) * _scale(weights) / _scale(result)
    bias = operator.optional(2)
    # With a bias of 64 bits both sides keep 16 bits of the multiplier only.
    return _differ(single, double, 16 if bias is not None and bias.dtype == "int64" else 0)


def _differ(vela: float, reference: float, dropped: int = 0) -> bool:
    """Whether two factors are different multipliers, some of their 31 bits rounded away."""
    half = 1 << dropped >> 1
    ours, theirs = (
        ((multiplier + half) >> dropped, shift)
        for multiplier, shift in (quantise_multiplier(vela), quantise_multiplier(reference))
    )
    return ours != theirs


#: By kind: whether it applies to an operator, whether it shows rarely, and how the sides compute.
_KINDS = {
    "LEAKY_RELU": (
        _leaky_relu,
        False,
        "Vela takes its factors in float32 and rounds once, tflite_micro in float64 and twice",
    ),
    "RSQRT": (
        _rsqrt,
        False,
        "Vela makes it a table of 512 chords, tflite_micro computes each root in fixed point",
    ),
    "SUM": (_sum, False, "Vela rounds a sum once, tflite_micro twice"),
    "MUL": (_mul, True, "Vela takes its factor in float32, tflite_micro in float64"),
    "FULLY_CONNECTED": (
        _fully_connected,
        True,
        "Vela multiplies the scales in float32, tflite_micro in float64",
    ),
    "TANH": (
        _tanh,
        True,
        "Vela makes it a table of rounded values, tflite_micro computes in fixed point",
    ),
}
