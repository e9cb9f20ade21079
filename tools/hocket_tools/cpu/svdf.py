# SPDX-License-Identifier: Apache-2.0
"""SVDF with a state of int8 or int16."""

from __future__ import annotations

import numpy as np

from ..container.device import Words
from ..tflite.model import TfliteTensor
from ..tflite.operators import SourceOperator, constant
from .costs import chunk_of, spent, work
from .packing import (
    PackedOperator,
    element_bytes,
    limits,
    packed,
    per_tensor,
    quantise_multiplier,
    scaling,
)
from .products import biases, products, rows
from .registry import Operator, register

_PARAMETERS = Words("ops.svdf")
_MOST = 64


class Svdf(Operator):
    """A filter bank along time, whose state the net keeps."""

    kinds = ("SVDF",)

    def supports(self, source: SourceOperator) -> str | None:
        """int8 frames and outputs, int8 feature weights, a state of int8 or int16."""
        given, features, times, state = (source.input(i) for i in (0, 1, 2, 4))
        result = source.outputs[0]
        if given.dtype != "int8" or result.dtype != "int8" or features.dtype != "int8":
            return f"{given.dtype} to {result.dtype} with weights of {features.dtype}"
        if state.dtype not in ("int8", "int16") or times.dtype != state.dtype:
            return f"a state of {state.dtype} with time weights of {times.dtype}"
        if constant(features) is None or constant(times) is None:
            return "computed weights"
        bias = source.optional(3)
        if bias is not None and (bias.dtype != "int32" or constant(bias) is None):
            return f"a bias of {bias.dtype}"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Scalings of both stages; the zero point's share of the first is in its biases."""
        given, features, times, state = (source.input(i) for i in (0, 1, 2, 4))
        result = source.outputs[0]
        filters, depth = features.shape
        memory = times.shape[1]
        rank = source.option("rank", 1)
        batches = given.shape[0]
        values = constant(features)
        if values is None:
            return None
        zero = per_tensor(given)[1]
        correction = -(128 + zero) * values.astype(np.int64).sum(axis=1)
        feature_bias = biases(None, filters, wide=False, correction=correction)
        unit_bias = biases(source.optional(3), filters // rank, wide=False)
        feature_scaling, unit_scaling = _scalings(given, features, state, times, result)
        shifted = batches * filters * memory - 1
        units = batches * filters // rank
        byte = work("svdf", moved=1)
        unit = work("svdf", unit=1, time=memory * rank)
        moves = chunk_of(byte * element_bytes(state), max(shifted, 1))
        plan = rows("svdf", batches * filters, filters, depth, narrow=True, wide=False)
        unit_chunk = chunk_of(unit, min(_MOST, units))
        newest = work("svdf", newest=1)
        newest_chunk = chunk_of(newest, batches * filters)
        unit_scaling_at = _PARAMETERS.size + len(unit_bias) // 4
        features_at = unit_scaling_at + len(unit_scaling) // 4
        acc = 4 * max(plan.most, unit_chunk)
        header = _PARAMETERS.pack(
            shift_chunk=moves, newest_chunk=newest_chunk, unit_chunk=unit_chunk, filters=filters,
            batches=batches, memory=memory, rank=rank, width=element_bytes(state),
            zero=per_tensor(state)[1], unit_bias=_PARAMETERS.size, unit_scaling=unit_scaling_at,
            features=features_at, acc=acc,
        )  # fmt: skip
        first = products(
            plan, batches * filters, filters, depth, feature_bias, dtype="int8", wide=False
        )
        total = byte * (element_bytes(state) * shifted) + plan.total
        total += newest * (batches * filters) + unit * units
        phases = (
            (byte * (element_bytes(state) * moves), max(-(-shifted // moves), 1)),
            (plan.longest, plan.steps),
            (newest * newest_chunk, -(-batches * filters // newest_chunk)),
            (unit * unit_chunk, -(-units // unit_chunk)),
        )
        return packed(
            "svdf",
            primitive,
            header + unit_bias + unit_scaling + first + feature_scaling,
            inputs=(given, features, times, state),
            outputs=(result,),
            scratch_bytes=acc + -(-batches * filters * element_bytes(state) // 4) * 4,
            spent=spent(sum(count for _, count in phases), work("svdf"), total, phases),
            state=(state,),
        )


def _scalings(
    given: TfliteTensor,
    features: TfliteTensor,
    state: TfliteTensor,
    times: TfliteTensor,
    result: TfliteTensor,
) -> tuple[bytes, bytes]:
    """From products of the features to the state, and from those along time to the output."""
    f = np.float32
    a, w, s, t, o = (f(per_tensor(x)[0]) for x in (given, features, state, times, result))
    low, high = limits(state.dtype)
    width, zero = element_bytes(state), per_tensor(result)[1]
    first, second = (quantise_multiplier(float(factor)) for factor in (a * w / s, s * t / o))
    return (
        scaling([first], zero=0, low=low, high=high, width=width),
        scaling([second], zero=zero, low=-128, high=127, width=1),
    )


register(Svdf())
