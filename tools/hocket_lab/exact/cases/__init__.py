# SPDX-License-Identifier: Apache-2.0
"""The one-operator cases, by family, and a few short chains that Vela fuses."""

from __future__ import annotations

from ..case import Case
from . import binary, chain, convolution, dense, movement, pooling, recurrent, unary

_EVERY: tuple[Case, ...] = (
    *convolution.CASES,
    *dense.CASES,
    *pooling.CASES,
    *binary.CASES,
    *unary.CASES,
    *movement.CASES,
    *recurrent.CASES,
    *chain.CASES,
)

#: Every case by its id, those of the lists below too.
BY_ID: dict[str, Case] = {case.id: case for case in _EVERY}
if len(BY_ID) != len(_EVERY):
    raise AssertionError("two cases share an id")

#: Cases that Vela leaves on the CPU, with the operator: not for the NPU.
NOT_FOR_THE_NPU: dict[str, str] = {
    "batch_matmul-int16-4x8-by-8x6": "BATCH_MATMUL",
    "reverse_v2-int8-depth": "REVERSE_V2",
    "depth_to_space-int8-block2": "DEPTH_TO_SPACE",
    "space_to_depth-int8-block2": "SPACE_TO_DEPTH",
}

#: Cases that Vela compiles for the NPU but tflite_micro cannot run: nothing to compare with.
WITHOUT_ORACLE: dict[str, str] = {
    "relu_n1_to_1-int8-plain": "no kernel",
    "relu_n1_to_1-int8-rescaled": "no kernel",
    "relu_0_to_1-int8-plain": "no kernel",
    "relu_0_to_1-int8-rescaled": "no kernel",
    "gelu-int8-plain": "no kernel",
    "gelu-int8-approximate": "no kernel",
    "tile-int8-tile": "no kernel",
    "exp-int8-plain": "float kernel only",
    "exp-int16-plain": "float kernel only",
    "log-int8-plain": "float kernel only",
    "neg-int8-plain": "float kernel only",
    "neg-int16-plain": "float kernel only",
    "concatenation-int8-rescaled": "kernel does not requantise",
    "resize_bilinear-int16-2x": "no int16 kernel",
}

#: Cases that end Vela's compiler process.
CRASHES_VELA: dict[str, str] = {
    "unidirectional_sequence_lstm-int8-2x3-units1": "a single unit",
}

#: Cases that Vela compiles wrongly, and how it shows: no NPU can equal TFLite on them.
MISCOMPILED: dict[str, str] = {
    "sum-int8-hw": "one of the two axes is summed, and the rest written past the output",
    "softmax-int16-scale-of-ten": "a multiplier of 2**31 wraps to -2**31 in a 32-bit constant",
}

#: Every case that is compared, in a fixed order.
ALL: tuple[Case, ...] = tuple(
    case
    for case in _EVERY
    if case.id not in {*NOT_FOR_THE_NPU, *WITHOUT_ORACLE, *CRASHES_VELA, *MISCOMPILED}
)
