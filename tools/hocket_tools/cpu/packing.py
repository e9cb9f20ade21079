# SPDX-License-Identifier: Apache-2.0
"""What packed operators are made of: words, loadings and scalings.

The layouts here are the ones that ``hocket.ops.fixed`` reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hocket_host.errors import HocketError

from ..container.device import Words, constants
from ..tflite.model import Quantisation, TfliteTensor
from .costs import Spent

#: Modules of ``hocket.ops``, in the order of their codes.
MODULES: tuple[str, ...] = constants("ops")["MODULES"]

_FIXED = constants("ops.fixed")
_FACTOR = Words("ops.fixed", "a factor")
_SCALING = Words("ops.fixed", "a scaling")
_LOADING = Words("ops.fixed", "a loading")
AXES = _LOADING.width("sizes")

#: A multiplier and shift that change nothing.
ONE = (1 << 30, 1)

#: What the device calls a type.
TYPES: dict[str, int] = {
    "int8": _FIXED["INT8"], "uint8": _FIXED["UINT8"], "bool": _FIXED["UINT8"],
    "int16": _FIXED["INT16"], "int32": _FIXED["INT32"], "float32": _FIXED["INT32"],
}  # fmt: skip
_SIZES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}


class OperatorError(HocketError):
    """An operator that the CPU cannot run."""


@dataclass(frozen=True)
class PackedOperator:
    """One operator as the device takes it."""

    code: int
    """Index of its module in ``hocket.ops.MODULES``, or 128 and more for an application's own."""
    primitive: str
    params: bytes
    inputs: tuple[int, ...]
    """Indices of the source tensors that the device is handed, constants and state included."""
    outputs: tuple[int, ...]
    scratch_bytes: int
    steps: int
    """How many calls of ``step`` one inference takes."""
    step_cycles: int
    """CPU cycles of the longest step on the board whose costs it was packed with."""
    state: tuple[int, ...] = ()
    """Source tensors that keep their values between inferences."""
    inference_cycles: int | None = None
    """CPU cycles of all steps, where they are less than as many of the longest."""
    spent: Spent | None = None
    """What the cycles are for, by measured units."""

    @property
    def cycles(self) -> int:
        """CPU cycles of an inference, estimated as an upper bound."""
        return self.inference_cycles or self.steps * self.step_cycles


def packed(
    module: str,
    primitive: str,
    params: bytes,
    *,
    inputs: Sequence[TfliteTensor],
    outputs: Sequence[TfliteTensor],
    spent: Spent,
    scratch_bytes: int = 0,
    state: Sequence[TfliteTensor] = (),
) -> PackedOperator:
    """Return an operator of one of `MODULES` with what it costs on the current board."""
    return PackedOperator(
        code=MODULES.index(module),
        primitive=primitive,
        params=params,
        inputs=tuple(t.index for t in inputs),
        outputs=tuple(t.index for t in outputs),
        scratch_bytes=scratch_bytes,
        steps=spent.steps,
        step_cycles=spent.step_cycles,
        state=tuple(t.index for t in state),
        inference_cycles=spent.cycles,
        spent=spent,
    )


def element_bytes(tensor: TfliteTensor) -> int:
    """Bytes of one element; 0 for a type that the device has not."""
    return _SIZES.get(tensor.dtype, 0)


def per_tensor(tensor: TfliteTensor) -> tuple[float, int]:
    """Scale and zero point of a tensor; (1.0, 0) where it has none."""
    q = tensor.quantization
    return (1.0, 0) if q is None else (q.scales[0], q.zero_points[0])


def scales_of(quantization: Quantisation | None, channels: int) -> tuple[float, ...]:
    """One scale a channel."""
    if quantization is None:
        return (1.0,) * channels
    found = quantization.scales
    return found if len(found) == channels else (found[0],) * channels


def quantise_multiplier(real: float) -> tuple[int, int]:
    """Return (multiplier of 31 bits, shift) of a factor, as TFLite's ``QuantizeMultiplier``."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)  # half away from zero: it is positive
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def factor(multiplier: int, shift: int, wide: bool = False) -> bytes:
    """Pack a factor; a wide one is for sums of 48 bits."""
    if not wide:
        return _FACTOR.pack(multiplier=multiplier, left=max(shift, 0), right=max(-shift, 0))
    # TFLite multiplies sums of 64 bits by the upper half of the multiplier, and rounds once.
    reduced = (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
    return _FACTOR.pack(multiplier=reduced, left=0, right=15 - shift - 1)


def scaling(
    rows: Iterable[tuple[int, int]],
    *,
    zero: int,
    low: int,
    high: int,
    width: int,
    wide: bool = False,
) -> bytes:
    """Pack a scaling of accumulators to outputs: (multiplier, shift) a channel."""
    factors = [factor(m, s, wide) for m, s in rows]
    head = _SCALING.pack(
        zero=zero, low=low, high=high, width=width, channels=len(factors), wide=int(wide)
    )
    return head + b"".join(factors)


def limits(dtype: str) -> tuple[int, int]:
    """Least and greatest value; of 30 bits for int32, which is never clamped."""
    if dtype == "bool":
        return 0, 1
    if dtype == "int32":
        return -(1 << 29), (1 << 29) - 1
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


def activation_limits(name: int, tensor: TfliteTensor) -> tuple[int, int]:
    """Clamp of a fused activation (its number in the schema) in an output's quantised values.

    As TFLite's ``CalculateActivationRangeQuantized``: bounds are divided by the scale as float32
    and rounded half away from zero.

    Raises
    ------
    OperatorError
        The activation is none that clamps.
    """
    low, high = limits(tensor.dtype)
    scale, zero = per_tensor(tensor)

    def quantise(value: float) -> int:
        quotient = float(np.float32(value) / np.float32(scale))
        return zero + int(math.copysign(math.floor(abs(quotient) + 0.5), quotient))

    bounds = {0: None, 1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}
    if name not in bounds:
        raise OperatorError(
            "a fused activation that is not a clamp",
            found=f"activation {name}",
            expected="NONE, RELU, RELU_N1_TO_1 or RELU6",
        )
    clamp = bounds[name]
    if clamp is None:
        return low, high
    low = max(low, quantise(clamp[0]))
    if clamp[1] is not None:
        high = min(high, quantise(clamp[1]))
    return low, high


def loading(
    tensor: TfliteTensor, result: Sequence[int], *, offset: int = 0, shift: int = 0
) -> bytes:
    """Pack how an operand is loaded for each element of a result that it is broadcast to."""
    shape = (1,) * (len(result) - len(tensor.shape)) + tensor.shape
    flat = math.prod(shape) == math.prod(result)
    sizes = [1] * AXES
    strides = [0] * AXES
    if not flat:
        if len(result) > AXES:
            raise OperatorError(
                "too many axes to broadcast", found=f"{len(result)}", expected=f"at most {AXES}"
            )
        stride = 1
        for axis in range(1, len(result) + 1):
            sizes[-axis] = result[-axis]
            strides[-axis] = 0 if shape[-axis] == 1 else stride
            stride *= shape[-axis]
    return _LOADING.pack(
        type=TYPES[tensor.dtype], offset=offset, shift=shift, flat=int(flat), sizes=sizes,
        strides=strides,
    )  # fmt: skip


def row_length(tensor: TfliteTensor, result: Sequence[int]) -> int:
    """Elements that a loading takes in a row; 0 where it goes through from end to end."""
    if math.prod(tensor.shape) == math.prod(result):
        return 0
    return result[-1]
