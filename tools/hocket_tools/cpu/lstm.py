# SPDX-License-Identifier: Apache-2.0
"""UNIDIRECTIONAL_SEQUENCE_LSTM with gates of 16 bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..container.device import Words
from ..tflite.model import TfliteTensor
from ..tflite.operators import SourceOperator, constant
from .costs import Spent, Work, chunk_of, spent, work
from .curve import sigmoid_table
from .packing import (
    PackedOperator,
    element_bytes,
    factor,
    limits,
    packed,
    per_tensor,
    quantise_multiplier,
    scaling,
)
from .products import Rows, biases, products, rows
from .registry import Operator, register

_PARAMETERS = Words("ops.lstm")
_MOST = 64
_GATE_SCALE = 2.0**-12
_UNIT = 2.0**-15

#: Operands: weights of the input and of the hidden state, biases; peepholes, projection, norms.
_FROM_INPUT, _FROM_HIDDEN, _BIASES = range(1, 5), range(5, 9), range(12, 16)
_ABSENT = (9, 10, 11, 16, 17, 20, 21, 22, 23)
_HIDDEN, _CELL = 18, 19


class Lstm(Operator):
    """A layer over a sequence, whose states the net keeps."""

    kinds = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8 or int16 with int8 weights, without peepholes, projection or normalisation."""
        given, result = source.input(0), source.outputs[0]
        if given.dtype not in ("int8", "int16") or result.dtype != given.dtype:
            return f"{given.dtype} to {result.dtype}"
        if any(source.optional(i) is not None for i in _ABSENT if i < len(source.inputs)):
            return "peepholes, a projection or normalisation"
        for i in (*_FROM_INPUT, *_FROM_HIDDEN):
            weights = source.optional(i)
            if weights is None:
                return "gates without weights of their own"
            if weights.dtype != "int8" or constant(weights) is None:
                return (
                    f"weights of {weights.dtype}" if weights.dtype != "int8" else "computed weights"
                )
            if weights.quantization is None or len(weights.quantization.scales) > 1:
                return "weights without one scale"
        for i in _BIASES:
            bias = source.optional(i)
            if bias is not None and constant(bias) is None:
                return "computed biases"
        cell = source.input(_CELL)
        power = math.log2(per_tensor(cell)[0])
        if cell.dtype != "int16" or power != round(power):
            return "a cell state whose scale is no power of two"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Eight products, and the scalings between gates and states."""
        given, result = source.input(0), source.outputs[0]
        hidden, cell = source.input(_HIDDEN), source.input(_CELL)
        units, features = source.input(1).shape
        narrow = given.dtype == "int8"
        major = bool(source.option("timeMajor", False))
        batches, times = given.shape[:2][::-1] if major else given.shape[:2]
        cell_scale = per_tensor(cell)[0]
        power = round(math.log2(cell_scale))
        shift = 15 + power - 3
        tanh = (3 << shift, 0) if shift >= 0 else (3, -shift)
        clip = float(source.option("cellClip", 0.0))
        quantised_clip = min(max(clip / cell_scale, -32768.0), 32767.0) if clip > 0 else 0
        plans = [
            rows("lstm", units, units, depth, narrow=narrow, wide=not narrow)
            for depth in (features, units)
        ]
        blocks = [
            *(_product(source, given, w, b, plans[0])
              for w, b in zip(_FROM_INPUT, _BIASES, strict=True)),
            *(_product(source, hidden, w, None, plans[1]) for w in _FROM_HIDDEN),
        ]  # fmt: skip
        places = [_PARAMETERS.size]
        for block in blocks:
            places.append(places[-1] + len(block) // 4)
        low, high = limits(result.dtype)
        scale, zero = per_tensor(hidden)
        end = scaling(
            [quantise_multiplier(_UNIT * _UNIT / scale)],
            zero=zero,
            low=low,
            high=high,
            width=element_bytes(result),
        )
        # Each gate, the cell state, the hidden state: what a step of it takes, and a unit.
        stages = [(work("lstm", **{name: 1}), work("lstm", **{f"{name}_unit": 1}))
                  for name in (*("gate",) * 4, "cell", "hidden")]  # fmt: skip
        chunk = min(chunk_of(unit, min(_MOST, units), once) for once, unit in stages)
        acc = (4 if narrow else 8) * max(plan.most for plan in plans)
        header = _PARAMETERS.pack(
            units=units, chunk=chunk, batches=batches, times=times, features=features,
            width=element_bytes(given), time_stride=batches if major else 1,
            batch_stride=1 if major else times, clip=int(quantised_clip), tanh=tanh,
            forget=factor(*quantise_multiplier(_UNIT)),
            input=factor(*quantise_multiplier(_UNIT * _UNIT / cell_scale)),
            hidden=end, rows=places, acc=acc,
        )  # fmt: skip
        return packed(
            "lstm",
            primitive,
            header + b"".join(blocks) + sigmoid_table(),
            inputs=(given, *(source.input(i) for i in (*_FROM_INPUT, *_FROM_HIDDEN)), hidden, cell),
            outputs=(result,),
            scratch_bytes=acc + 9 * (-(-2 * units // 4) * 4) + 8 * chunk,
            spent=_spent(plans, stages, units, chunk, batches * times),
            state=(hidden, cell),
        )


def _spent(
    plans: Sequence[Rows],
    stages: Sequence[tuple[Work, Work]],
    units: int,
    chunk: int,
    turns: int,
) -> Spent:
    """What all turns take: four products of the input and of the hidden state, then the stages."""
    groups = -(-units // chunk)
    total = (plans[0].total + plans[1].total) * 4
    for once, unit in stages:
        total += once * groups + unit * units
    phases = [
        (plans[0].longest, 4 * plans[0].steps),
        (plans[1].longest, 4 * plans[1].steps),
        *((once + unit * chunk, groups) for once, unit in stages),
    ]
    steps = sum(count for _, count in phases)
    return spent(turns * steps, work("lstm"), total * turns, phases)


def _product(
    source: SourceOperator,
    given: TfliteTensor,
    weights_at: int,
    bias_at: int | None,
    plan: Rows,
) -> bytes:
    """Parameters of one product, as ``hocket.ops.dense`` reads them."""
    weights = source.input(weights_at)
    units, depth = weights.shape
    values = constant(weights)
    if values is None:
        raise ValueError("computed weights")
    narrow = given.dtype == "int8"
    scale, zero = per_tensor(given)
    correction = -((128 if narrow else 0) + zero) * values.astype(np.int64).sum(axis=1)
    bias = None if bias_at is None else source.optional(bias_at)
    packed_biases = biases(bias, units, wide=not narrow, correction=correction)
    real = scale * per_tensor(weights)[0] / _GATE_SCALE
    low, high = limits("int16")
    params = products(plan, units, units, depth, packed_biases, dtype=given.dtype, wide=not narrow)
    return params + scaling(
        [quantise_multiplier(real)], zero=0, low=low, high=high, width=2, wide=not narrow
    )


register(Lstm())
