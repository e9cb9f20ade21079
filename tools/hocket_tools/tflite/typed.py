# SPDX-License-Identifier: Apache-2.0
"""Types and scales that kernels take for granted, held against those that a file has.

tflite_micro looks at the type of one tensor and believes it of the others, takes the zero points of
int16 and of a convolution's weights for zero, and gives TANH its own scale. Vela takes what the
file says. A file that says otherwise would mean two things.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .content import TfliteError, TfliteTensor
from .operators import SourceOperator

#: Their operands, as many as this, and their results are of one type.
_ALIKE: dict[str, int] = {
    **dict.fromkeys(
        (
            "ABS", "AVERAGE_POOL_2D", "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CEIL",
            "DEPTH_TO_SPACE", "ELU", "EXP", "EXPAND_DIMS", "FLOOR", "GATHER", "GATHER_ND", "GELU",
            "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LOG", "LOGISTIC", "LOG_SOFTMAX",
            "MAX_POOL_2D", "MEAN", "MIRROR_PAD", "NEG", "PAD", "REDUCE_MAX", "REDUCE_MIN", "RELU",
            "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR",
            "REVERSE_V2", "ROUND", "RSQRT", "SIN", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH",
            "SQRT", "SQUARE", "SQUEEZE", "STRIDED_SLICE", "SUM", "TILE", "TRANSPOSE", "UNPACK",
            "ZEROS_LIKE", "COS",
        ),
        1,
    ),
    **dict.fromkeys(
        (
            "ADD", "DIV", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM", "MUL", "POW", "PRELU",
            "SQUARED_DIFFERENCE", "SUB",
        ),
        2,
    ),
}  # fmt: skip
_COMPARISONS = ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "NOT_EQUAL")
#: They take one operand and no more.
_LONE = (
    "ABS", "AVERAGE_POOL_2D", "ELU", "EXP", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "MAX_POOL_2D",
    "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "RSQRT", "SOFTMAX", "SQRT", "SQUARE", "TANH",
)  # fmt: skip
#: Scale and zero point of results that tflite_micro does not ask for.
_FIXED = {
    ("TANH", "int8"): (1 / 128, 0),
    ("TANH", "uint8"): (1 / 128, 128),
    ("TANH", "int16"): (1 / 32768, 0),
}
_WINDOWS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


def check_types(operators: Sequence[SourceOperator]) -> None:
    """Refuse operators whose types or scales kernels would take for others.

    Raises
    ------
    TfliteError
        With the first such operator.
    """
    for operator in operators:
        for found, expected in _wrong(operator):
            raise TfliteError(
                "a layer whose types or scales its kernels do not take",
                where=f"{operator.kind} '{operator.name}'",
                found=found,
                expected=expected,
                try_="export the model again, with full integer quantisation",
            )


def _wrong(o: SourceOperator) -> Iterator[tuple[str, str]]:
    """What is not as kernels take it, and what is."""
    count = _ALIKE.get(o.kind)
    if count is not None:
        yield from _unlike([*o.inputs[:count], *o.outputs])
    elif o.kind in ("CONCATENATION", "PACK", "ADD_N"):
        yield from _unlike([*o.inputs, *o.outputs])
    elif o.kind in ("SELECT", "SELECT_V2"):
        yield from _unlike([*o.inputs[1:3], *o.outputs])
    elif o.kind in _COMPARISONS:
        yield from _unlike(o.inputs[:2])
        if o.outputs[0].dtype != "bool":
            yield f"a result of {o.outputs[0].dtype}", "bool"
    if o.kind in _LONE and len(o.inputs) > 1:
        yield f"{len(o.inputs)} operands", "one"
    for tensor in (*o.inputs, *o.outputs):
        if tensor is not None and tensor.data is None and tensor.quantization is not None:
            yield from _activation(tensor, o.kind in (*_WINDOWS, "FULLY_CONNECTED"))
    if o.kind in _WINDOWS:
        yield from _weights(o.input(1))
    yield from _fixed(o)


def _unlike(tensors: Sequence[TfliteTensor | None]) -> Iterator[tuple[str, str]]:
    types = list(dict.fromkeys(t.dtype for t in tensors if t is not None))
    if len(types) > 1:
        yield " and ".join(types), "one type"


def _activation(tensor: TfliteTensor, symmetric: bool) -> Iterator[tuple[str, str]]:
    assert tensor.quantization is not None
    scales, zeros = tensor.quantization.scales, tensor.quantization.zero_points
    if len(scales) > 1:
        yield f"{len(scales)} scales of tensor '{tensor.name}'", "one, as it is no constant"
    if symmetric and tensor.dtype == "int16" and any(zeros):
        yield f"zero point {zeros[0]} of int16 tensor '{tensor.name}'", "0"


def _weights(weights: TfliteTensor) -> Iterator[tuple[str, str]]:
    q = weights.quantization
    if weights.dtype == "int8" and q is not None and any(q.zero_points):
        yield f"weights with zero point {next(z for z in q.zero_points if z)}", "0"


def _fixed(o: SourceOperator) -> Iterator[tuple[str, str]]:
    wanted = _FIXED.get((o.kind, o.outputs[0].dtype if o.outputs else ""))
    q = o.outputs[0].quantization if wanted is not None else None
    if wanted is not None and q is not None and (q.scale, q.zero_point) != wanted:
        yield f"scale {q.scale:g}, zero point {q.zero_point}", f"{wanted[0]:g}, {wanted[1]}"
