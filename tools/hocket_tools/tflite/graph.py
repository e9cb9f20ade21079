# SPDX-License-Identifier: Apache-2.0
"""What every graph must be before anything is asked about its operators.

Each has the operands that its kind cannot be without, reads only what was computed before it, and
writes what nothing else gives a value.
"""

from __future__ import annotations

from .content import Subgraph, TfliteError, TfliteOperator

#: Operands that a kind cannot be without.
_OPERANDS = {
    1: (
        "ABS ARG_MAX ARG_MIN AVERAGE_POOL_2D CAST CEIL CONCATENATION COS DEPTH_TO_SPACE DEQUANTIZE "
        "ELU EXP FLOOR GELU HARD_SWISH L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LOG LOGICAL_NOT "
        "LOGISTIC LOG_SOFTMAX MAX_POOL_2D NEG PACK QUANTIZE RANK READ_VARIABLE RELU RELU6 "
        "RELU_0_TO_1 RELU_N1_TO_1 RESHAPE ROUND RSQRT SHAPE SIGN SIN SOFTMAX SPACE_TO_DEPTH SPLIT "
        "SQRT SQUARE SQUEEZE TANH UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK ZEROS_LIKE"
    ),
    2: (
        "ADD ADD_N ASSIGN_VARIABLE BATCH_MATMUL BROADCAST_ARGS BROADCAST_TO CONV_2D CONV_3D CUMSUM "
        "DEPTHWISE_CONV_2D DIV EMBEDDING_LOOKUP EQUAL EXPAND_DIMS FILL FLOOR_DIV FLOOR_MOD "
        "FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL LESS LESS_EQUAL LOGICAL_AND "
        "LOGICAL_OR MAXIMUM MEAN MINIMUM MIRROR_PAD MUL NOT_EQUAL PAD POW PRELU REDUCE_ALL "
        "REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR "
        "REVERSE_V2 SQUARED_DIFFERENCE SUB SUM TILE TOPK_V2 TRANSPOSE"
    ),
    3: (
        "BATCH_TO_SPACE_ND DYNAMIC_UPDATE_SLICE PADV2 RANGE SELECT SELECT_V2 SLICE "
        "SPACE_TO_BATCH_ND SPLIT_V TRANSPOSE_CONV"
    ),
    4: "ONE_HOT STRIDED_SLICE SVDF",
}
_NEEDED = {kind: count for count, kinds in _OPERANDS.items() for kind in kinds.split()}
#: ADD_N and CONCATENATION take as many as they are given.
_NEEDED["ADD_N"] = 1
#: They have no result.
_SILENT = ("ASSIGN_VARIABLE", "CALL_ONCE", "CALL", "IF", "WHILE")


def check_graph(graph: Subgraph, number: int) -> None:
    """Refuse a graph whose operators could not even be looked at.

    Raises
    ------
    TfliteError
        With the operator.
    """
    if any(o.custom and o.kind == "ethos-u" for o in graph.operators):
        # Vela's own output, whose operators hand each other more than they list.
        return
    known = set(graph.inputs)
    known |= {t.index for t in graph.tensors if t.data is not None or t.is_variable}
    # Nothing computes a constant of no elements, or a handle.
    known |= {t.index for t in graph.tensors if not t.elements or t.dtype == "resource"}
    written: set[int] = set(graph.inputs)
    for operator in graph.operators:
        _check_operands(operator, number)
        for index in operator.inputs:
            if index >= 0 and index not in known:
                raise _damaged(
                    operator, number, "an operator reads what none before it computes",
                    f"tensor '{graph.tensors[index].name}'", "operators in order of execution",
                )  # fmt: skip
        for index in operator.outputs:
            tensor = graph.tensors[index]
            if index in written or tensor.data is not None:
                raise _damaged(
                    operator, number, "an operator writes what has its value from elsewhere",
                    f"tensor '{tensor.name}'", "one operator for each result",
                )  # fmt: skip
        written.update(operator.outputs)
        known.update(operator.outputs)


def _check_operands(operator: TfliteOperator, number: int) -> None:
    needed = 0 if operator.custom else _NEEDED.get(operator.kind, 0)
    if len(operator.inputs) < needed or -1 in operator.inputs[:needed]:
        raise _damaged(
            operator, number, "an operator lacks operands",
            f"{sum(i >= 0 for i in operator.inputs)} operands", f"{needed} at least",
        )  # fmt: skip
    if not operator.outputs and not operator.custom and operator.kind not in _SILENT:
        raise _damaged(operator, number, "an operator has no result", "none", "one at least")


def _damaged(
    operator: TfliteOperator, number: int, what: str, found: str, expected: str
) -> TfliteError:
    where = str(operator) if number == 0 else f"subgraph {number}, {operator}"
    return TfliteError(
        f"damaged TFLite file: {what}",
        where=where,
        found=found,
        expected=expected,
        try_="export the model again",
    )
