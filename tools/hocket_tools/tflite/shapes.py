# SPDX-License-Identifier: Apache-2.0
"""Shapes that operators give their results, held against those that a file has.

tflite_micro and the CPU's operators take the extents that the file has, Vela works some out anew;
where the two differ every reader computes something else. Operators that are not listed here have
results of many shapes, or of shapes that only values decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .content import TfliteError, TfliteTensor
from .operators import SourceOperator, constant

Shape = tuple[int, ...]

_SAME = 0
_UNARY = (
    "ABS", "CAST", "CEIL", "COS", "DEQUANTIZE", "ELU", "EXP", "FLOOR", "GELU", "HARD_SWISH",
    "L2_NORMALIZATION", "LEAKY_RELU", "LOG", "LOGICAL_NOT", "LOGISTIC", "LOG_SOFTMAX", "NEG",
    "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "REVERSE_V2", "ROUND", "RSQRT",
    "SIGN", "SIN", "SOFTMAX", "SQRT", "SQUARE", "TANH", "ZEROS_LIKE", "CUMSUM",
)  # fmt: skip
_BINARY = (
    "ADD", "DIV", "EQUAL", "FLOOR_DIV", "FLOOR_MOD", "GREATER", "GREATER_EQUAL", "LESS",
    "LESS_EQUAL", "LOGICAL_AND", "LOGICAL_OR", "MAXIMUM", "MINIMUM", "MUL", "NOT_EQUAL", "POW",
    "SQUARED_DIFFERENCE", "SUB",
)  # fmt: skip
_REDUCTIONS = (
    "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ALL", "REDUCE_ANY",
)  # fmt: skip
#: Their kernels look at axes by number, so that a leading extent of one counts.
_BY_AXIS = (
    "AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "L2_POOL_2D", "MAX_POOL_2D", "SLICE",
    "SPLIT", "TRANSPOSE", "TRANSPOSE_CONV",
)  # fmt: skip
_SAME_ELEMENTS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH")


def check_shapes(operators: Sequence[SourceOperator]) -> None:
    """Refuse results whose shapes are not what their operators give.

    Raises
    ------
    TfliteError
        With the first such operator.
    """
    for operator in operators:
        rule = _RULES.get(operator.kind)
        if rule is None or not operator.outputs:
            continue
        try:
            wanted = rule(operator)
        except (ArithmeticError, IndexError, TypeError, ValueError) as error:
            raise _wrong(operator, f"operands that it does not take ({error})", None) from None
        result = operator.outputs[0]
        same = wanted == result.shape or (
            operator.kind not in _BY_AXIS
            and wanted is not None
            and _plain(wanted) == _plain(result.shape)
        )
        if wanted is not None and not same:
            raise _wrong(operator, f"{list(result.shape)}", wanted)


def _wrong(operator: SourceOperator, found: str, wanted: Shape | None) -> TfliteError:
    given = ", ".join(str(list(t.shape)) for t in operator.inputs if t is not None)
    return TfliteError(
        "a layer whose result has not the shape that its operands give",
        where=f"{operator.kind} '{operator.name}'",
        found=f"{found} of {given}",
        expected=None if wanted is None else f"{list(wanted)}",
        try_="export the model again, with a fixed batch size and input shape",
    )


def _plain(shape: Shape) -> Shape:
    """Without leading extents of one, which kernels do not tell from none."""
    start = next((i for i, n in enumerate(shape) if n != 1), len(shape))
    return shape[start:]


def _window(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    if padding == _SAME:
        return -(-size // stride)
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def _slid(o: SourceOperator, given: Shape, kernel: tuple[int, int], depth: int) -> Shape:
    """Windows over height and width; extents of none are no result."""
    batch, height, width, _ = given
    padding = int(o.option("padding", 0))
    rows = _window(
        height, kernel[0], int(o.option("strideH", 0)), int(o.option("dilationHFactor", 1)), padding
    )
    columns = _window(
        width, kernel[1], int(o.option("strideW", 0)), int(o.option("dilationWFactor", 1)), padding
    )
    if rows <= 0 or columns <= 0:
        raise ValueError("a window larger than the input")
    return batch, rows, columns, depth


def _conv(o: SourceOperator) -> Shape:
    given, (out, *kernel, depth) = o.input(0).shape, o.input(1).shape
    if given[3] % depth:
        raise ValueError(f"{given[3]} channels for weights of {depth}")
    _check_bias(o.optional(2), out)
    return _slid(o, given, (kernel[0], kernel[1]), out)


def _depthwise(o: SourceOperator) -> Shape:
    given, (one, *kernel, out) = o.input(0).shape, o.input(1).shape
    if one != 1 or out % given[3]:
        raise ValueError(f"{given[3]} channels for weights of {out}")
    _check_bias(o.optional(2), out)
    return _slid(o, given, (kernel[0], kernel[1]), out)


def _transposed(o: SourceOperator) -> Shape:
    """Its result is what a convolution of the same window would make its input of."""
    given, (out, *kernel, depth), result = o.input(2).shape, o.input(1).shape, o.outputs[0].shape
    if given[3] != depth or result[3] != out:
        raise ValueError(f"{given[3]} channels for weights of {depth}")
    _check_bias(o.optional(3), out)
    if _slid(o, result, (kernel[0], kernel[1]), depth) != tuple(given):
        raise ValueError("another size than windows over the result have")
    return result


def _pool(o: SourceOperator) -> Shape:
    given = o.input(0).shape
    kernel = int(o.option("filterHeight", 0)), int(o.option("filterWidth", 0))
    if min(kernel) < 1:
        raise ValueError("an empty window")
    return _slid(o, given, kernel, given[3])


def _dense(o: SourceOperator) -> Shape | None:
    given, (out, depth), result = o.input(0), o.input(1).shape, o.outputs[0]
    if not depth or given.elements % depth:
        raise ValueError(f"{given.elements} elements for weights of {depth}")
    _check_bias(o.optional(2), out)
    if result.elements != given.elements // depth * out:
        return given.elements // depth, out
    return None


def _check_bias(bias: TfliteTensor | None, channels: int) -> None:
    if bias is not None and bias.elements != channels:
        raise ValueError(f"{bias.elements} biases for {channels} channels")


def _broadcast(o: SourceOperator) -> Shape:
    return tuple(np.broadcast_shapes(*(t.shape for t in o.inputs if t is not None)))


def _joined(o: SourceOperator) -> Shape:
    shapes = [t.shape for t in o.inputs if t is not None]
    axis = int(o.option("axis", 0))
    rank = len(shapes[0])
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis}")
    axis %= rank
    rest = {s[:axis] + s[axis + 1 :] for s in shapes}
    if len(rest) != 1:
        raise ValueError("other extents than along the axis differ")
    return *shapes[0][:axis], sum(s[axis] for s in shapes), *shapes[0][axis + 1 :]


def _same_elements(o: SourceOperator) -> Shape | None:
    given, result = o.input(0), o.outputs[0]
    return None if given.elements == result.elements else given.shape


def _values(o: SourceOperator, index: int) -> list[int] | None:
    if o.input(index).dtype not in ("int32", "int64"):
        raise ValueError(f"{o.input(index).dtype} for whole numbers")
    values = constant(o.input(index))
    return None if values is None else [int(v) for v in values.reshape(-1)]


def _reduced(o: SourceOperator) -> Shape | None:
    given, axes = o.input(0).shape, _values(o, 1)
    if axes is None:
        return None
    if not all(-len(given) <= axis < len(given) for axis in axes):
        raise ValueError(f"axes {axes}")
    dropped = {axis % len(given) for axis in axes}
    kept = tuple(n for i, n in enumerate(given) if i not in dropped)
    # With or without the extents of one in their places.
    return None if math.prod(kept) == o.outputs[0].elements else kept


def _padded(o: SourceOperator) -> Shape | None:
    given, borders = o.input(0).shape, _values(o, 1)
    if borders is None:
        return None
    if len(borders) != 2 * len(given):
        raise ValueError(f"{len(borders)} borders")
    return tuple(
        n + before + after
        for n, before, after in zip(given, borders[::2], borders[1::2], strict=True)
    )


def _mirrored(o: SourceOperator) -> Shape | None:
    wanted, mode = _padded(o), int(o.option("mode", 0))
    if wanted is not None:
        borders = _values(o, 1) or []
        room = [n - (mode == 0) for n in o.input(0).shape for _ in range(2)]
        if any(not 0 <= b <= most for b, most in zip(borders, room, strict=True)):
            raise ValueError(f"borders {borders}, wider than what they mirror")
    return wanted


def _negated(o: SourceOperator) -> Shape:
    _broadcast(o)
    return o.input(0).shape


def _indexed(o: SourceOperator) -> Shape | None:
    """ARG_MAX and ARG_MIN drop one axis."""
    given, axis = o.input(0).shape, _values(o, 1)
    if axis is None:
        return None
    if len(axis) != 1 or not -len(given) <= axis[0] < len(given):
        raise ValueError(f"axis {axis}")
    at = axis[0] % len(given)
    return given[:at] + given[at + 1 :]


def _sliced(o: SourceOperator) -> Shape | None:
    given, starts, sizes = o.input(0).shape, _values(o, 1), _values(o, 2)
    if starts is None or sizes is None:
        return None
    wanted = tuple(
        n - start if size == -1 else size
        for n, start, size in zip(given, starts, sizes, strict=True)
    )
    spans = zip(given, starts, wanted, strict=True)
    if any(start < 0 or size < 0 or start + size > n for n, start, size in spans):
        raise ValueError(f"{sizes} from {starts}")
    return wanted


def _split(o: SourceOperator) -> Shape | None:
    given, axis, count = o.input(1).shape, _values(o, 0), len(o.outputs)
    if axis is None:
        return None
    at = axis[0]
    if not -len(given) <= at < len(given) or given[at] % count:
        raise ValueError(f"axis {at} in {count}")
    at %= len(given)
    wanted = (*given[:at], given[at] // count, *given[at + 1 :])
    if any(t.shape != wanted for t in o.outputs):
        raise ValueError(f"parts that are not all {list(wanted)}")
    return wanted


def _permuted(o: SourceOperator) -> Shape | None:
    given, order = o.input(0).shape, _values(o, 1)
    if order is None:
        return None
    if sorted(i % len(given) for i in order) != list(range(len(given))):
        raise ValueError(f"order {order}")
    return tuple(given[i] for i in order)


def _tiled(o: SourceOperator) -> Shape | None:
    given, times = o.input(0).shape, _values(o, 1)
    if times is None:
        return None
    if len(times) != len(given):
        raise ValueError(f"{len(times)} factors")
    return tuple(n * m for n, m in zip(given, times, strict=True))


_RULES: dict[str, Callable[[SourceOperator], Shape | None]] = {
    **dict.fromkeys(_UNARY, lambda o: o.input(0).shape),
    **dict.fromkeys(_BINARY, _broadcast),
    **dict.fromkeys(_REDUCTIONS, _reduced),
    **dict.fromkeys(_SAME_ELEMENTS, _same_elements),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"), _pool),
    **dict.fromkeys(("PAD", "PADV2"), _padded),
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), _indexed),
    "MIRROR_PAD": _mirrored,
    "PRELU": _negated,
    "SLICE": _sliced,
    "SPLIT": _split,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "FULLY_CONNECTED": _dense,
    "CONCATENATION": _joined,
    "TRANSPOSE": _permuted,
    "TILE": _tiled,
}
