# SPDX-License-Identifier: Apache-2.0
"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX and ARG_MIN."""

from __future__ import annotations

import math

from ..container.device import Words, constants
from ..tflite.operators import SourceOperator, constant
from .costs import STEP_CYCLES, chunk_of, spent, work
from .packing import (
    TYPES,
    PackedOperator,
    element_bytes,
    limits,
    packed,
    per_tensor,
    quantise_multiplier,
    scaling,
)
from .registry import Operator, register

_PARAMETERS = Words("ops.reduce")
_CODES = constants("ops.reduce")
_KINDS: dict[str, int] = {
    "SUM": _CODES["SUM"], "MEAN": _CODES["SUM"], "REDUCE_MAX": _CODES["MAX"],
    "REDUCE_MIN": _CODES["MIN"], "ARG_MAX": _CODES["ARG_MAX"], "ARG_MIN": _CODES["ARG_MIN"],
}  # fmt: skip
_MOST = 64
_AXES = _PARAMETERS.width("sizes") // 2


def _mean_multiplier(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """The multiplier of a mean of `count` elements, as tflite_micro folds the division in."""
    by = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << by) // count, shift - by


def _groups(shape: tuple[int, ...], axes: set[int], chosen: bool) -> list[tuple[int, int]]:
    """(size, stride) of the axes that are reduced, or stay, with neighbours merged."""
    found: list[tuple[int, int]] = []
    before = None
    for axis, size in enumerate(shape):
        if (axis in axes) != chosen or size == 1:
            continue
        stride = math.prod(shape[axis + 1 :])
        if before is not None and found[-1][1] == stride * size:
            found[-1] = (found[-1][0] * size, stride)
        else:
            found.append((size, stride))
        before = axis
    return found


def _axes(source: SourceOperator) -> set[int]:
    values = constant(source.input(1))
    if values is None:
        raise ValueError("computed axes")
    return {int(v) % len(source.input(0).shape) for v in values.reshape(-1)}


class Reduce(Operator):
    """A sum or an extreme over some axes."""

    kinds = tuple(_KINDS)

    def supports(self, source: SourceOperator) -> str | None:
        """int8 (and int16 sums and means), with constant axes."""
        given, result = source.input(0), source.outputs[0]
        allowed = ("int8", "int16") if _KINDS[source.kind] == _CODES["SUM"] else ("int8",)
        if given.dtype not in allowed:
            return f"an input of {given.dtype}"
        if constant(source.input(1)) is None:
            return "computed axes"
        wanted = "int32" if source.kind.startswith("ARG_") else given.dtype
        if result.dtype != wanted:
            return f"an output of {result.dtype}"
        axes = _axes(source)
        if max(len(_groups(given.shape, axes, chosen)) for chosen in (False, True)) > _AXES:
            return f"more than {_AXES} separate axes"
        if source.kind in ("REDUCE_MAX", "REDUCE_MIN") and per_tensor(given) != per_tensor(result):
            return "an extreme in another scale"
        return None

    def pack(self, source: SourceOperator, primitive: str) -> PackedOperator | None:
        """Strides of the axes that stay and of those that are reduced."""
        given, result = source.input(0), source.outputs[0]
        axes = _axes(source)
        stay = _groups(given.shape, axes, False)
        gone = _groups(given.shape, axes, True)
        count = math.prod(size for size, _ in gone)
        (from_scale, from_zero), (to_scale, to_zero) = per_tensor(given), per_tensor(result)
        sums = _KINDS[source.kind] == _CODES["SUM"]
        multiplier, shift = quantise_multiplier(from_scale / to_scale) if sums else (0, 0)
        if source.kind == "MEAN":
            multiplier, shift = _mean_multiplier(multiplier, shift, count)
        low, high = limits(result.dtype)
        sides = [((1, 0),) * (_AXES - len(side)) + tuple(side) for side in (stay, gone)]
        flat = [pair for side in sides for pair in side]
        runs = count // gone[-1][0] if gone else 1
        element = work("reduce", element=1)
        output = work("reduce", output=1, run=runs)
        room = STEP_CYCLES - (output + work("reduce", step=1)).cycles
        part = min(count, max(1, room // max(element.cycles, 1)))
        parts = -(-count // part)
        item = output + element * count
        chunk = 1 if parts > 1 else chunk_of(item, min(_MOST, result.elements))
        header = _PARAMETERS.pack(
            count=result.elements, chunk=chunk, kind=_KINDS[source.kind], type=TYPES[given.dtype],
            start=-from_zero * count if sums else 0, sizes=[size for size, _ in flat],
            strides=[stride for _, stride in flat], part=part, elements=count,
        )  # fmt: skip
        ends = scaling(
            [(multiplier, shift)],
            zero=to_zero if sums else 0,
            low=low,
            high=high,
            width=element_bytes(result),
        )
        return packed(
            "reduce",
            primitive,
            header + ends,
            inputs=(given,),
            outputs=(result,),
            scratch_bytes=max(4 * chunk, 8),
            spent=spent(
                -(-result.elements * parts // chunk),
                (output + element * part) * chunk,
                (output * parts + element * count) * result.elements,
            ),
        )


register(Reduce())
