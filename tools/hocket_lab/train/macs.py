# SPDX-License-Identifier: Apache-2.0
"""Multiply-accumulates of a TFLite file."""

from __future__ import annotations

import math

from ethosu.vela.tflite.BuiltinOperator import BuiltinOperator
from ethosu.vela.tflite.Model import Model


def count_macs(data: bytes) -> int:
    """Return the multiply-accumulates of one inference.

    Convolutions and fully connected layers are counted: output elements times the weights that
    each of them meets. Elementwise operators, pooling and look-ups count nothing.

    Parameters
    ----------
    data
        A TFLite file with one subgraph.
    """
    model = Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    total = 0
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        out = math.prod(graph.Tensors(operator.Outputs(0)).ShapeAsNumpy().tolist())
        if kind not in (
            BuiltinOperator.CONV_2D,
            BuiltinOperator.DEPTHWISE_CONV_2D,
            BuiltinOperator.FULLY_CONNECTED,
        ):
            continue
        weights = graph.Tensors(operator.Inputs(1)).ShapeAsNumpy().tolist()
        if kind == BuiltinOperator.DEPTHWISE_CONV_2D:
            total += out * weights[1] * weights[2]
        else:
            total += out * math.prod(weights[1:])
    return total
