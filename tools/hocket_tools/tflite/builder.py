# SPDX-License-Identifier: Apache-2.0
"""Builds quantised .tflite models tensor by tensor, with flatbuffers alone.

TensorFlow's converter would decide scales and fuse operators as it likes; a proof of exactness
needs the opposite: every scale, zero point, shape and attribute is the caller's, and each model
holds the operators that were asked for and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

from .model import IDENTIFIER, Quantisation
from .whole import damage

__all__ = ["ABSENT", "ModelBuilder", "Quantisation", "unpack_model", "write_model"]

_TYPES = {
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.int64): schema.TensorType.INT64,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.bool_): schema.TensorType.BOOL,
}

#: An input that the operator may have and this one has not.
ABSENT = -1

_VERSION = 3


def unpack_model(data: bytes) -> Any:
    """The schema's objects of a whole file, to be changed and written again.

    Raises
    ------
    TfliteError
        A field leaves the file.
    """
    with damage():
        return schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))


def write_model(tree: Any) -> bytes:
    """A file of the schema's objects."""
    writer = flatbuffers.Builder(1 << 16)
    writer.Finish(tree.Pack(writer), file_identifier=IDENTIFIER)
    return bytes(writer.Output())


class ModelBuilder:
    """Collects the tensors and operators of a one-subgraph model and writes the flatbuffer."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # buffer 0 is the empty one, by convention
        self._codes: list[Any] = []
        self._operators: list[Any] = []
        self._inputs: list[int] = []
        self._outputs: list[int] = []

    def _tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: np.dtype[Any],
        quantisation: Quantisation | None,
        *,
        buffer: int,
        variable: bool = False,
    ) -> int:
        tensor = schema.TensorT()
        tensor.name = name
        tensor.shape = list(shape)
        tensor.type = _TYPES[dtype]
        tensor.buffer = buffer
        tensor.isVariable = variable
        if quantisation is not None:
            parameters = schema.QuantizationParametersT()
            parameters.scale = list(quantisation.scales)
            parameters.zeroPoint = list(quantisation.zero_points)
            parameters.quantizedDimension = quantisation.axis
            tensor.quantization = parameters
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def activation(
        self,
        name: str,
        shape: Sequence[int],
        dtype: Any,
        quantisation: Quantisation | None,
        *,
        variable: bool = False,
    ) -> int:
        """Add a tensor without data: an intermediate, or operator state when ``variable``."""
        return self._tensor(name, shape, np.dtype(dtype), quantisation, buffer=0, variable=variable)

    def input(
        self, name: str, shape: Sequence[int], dtype: Any, quantisation: Quantisation | None
    ) -> int:
        """Add a tensor that the caller of the model fills."""
        index = self.activation(name, shape, dtype, quantisation)
        self._inputs.append(index)
        return index

    def output(
        self, name: str, shape: Sequence[int], dtype: Any, quantisation: Quantisation | None
    ) -> int:
        """Add a tensor that the model hands back."""
        index = self.activation(name, shape, dtype, quantisation)
        self._outputs.append(index)
        return index

    def hand_back(self, index: int) -> None:
        """Make a tensor that operators use, too, an output of the model."""
        self._outputs.append(index)

    def constant(
        self, name: str, values: NDArray[Any], quantisation: Quantisation | None = None
    ) -> int:
        """Add a tensor with data: weights, biases, shapes, axes."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._buffers.append(buffer)
        index = len(self._buffers) - 1
        return self._tensor(name, values.shape, values.dtype, quantisation, buffer=index)

    def operator(
        self,
        name: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str | None = None,
        *,
        version: int = 1,
        intermediates: Sequence[int] = (),
        **attributes: Any,
    ) -> None:
        """Add an operator.

        Parameters
        ----------
        name
            Name of the builtin operator, for example ``"CONV_2D"``.
        inputs, outputs, intermediates
            Tensor indices; `ABSENT` for an optional input left out.
        options
            Name of the options table, for example ``"Conv2DOptions"``; None for no table.
        version
            Version of the operator that the file asks for.
        **attributes
            Fields of the options table.
        """
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        # Readers take the larger of the two fields; the old one is a signed byte.
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.version = version
        self._codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._codes) - 1
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        if intermediates:
            operator.intermediates = list(intermediates)
        if options is not None:
            table = getattr(schema, f"{options}T")()
            for field, value in attributes.items():
                if not hasattr(table, field):
                    raise AttributeError(f"{options} has no field {field!r}")
                setattr(table, field, value)
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = table
        self._operators.append(operator)

    def custom(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: bytes
    ) -> None:
        """Add a custom operator by its own name, with options in its own format."""
        self.operator("CUSTOM", inputs, outputs)
        self._codes[-1].customCode = name
        self._operators[-1].customOptions = np.frombuffer(options, np.uint8)

    def finish(self) -> bytes:
        """Write the model."""
        graph = schema.SubGraphT()
        graph.name = "main"
        graph.tensors = self._tensors
        graph.operators = self._operators
        graph.inputs = self._inputs
        graph.outputs = self._outputs
        model = schema.ModelT()
        model.version = _VERSION
        model.description = "hocket exactness case"
        model.operatorCodes = self._codes
        model.subgraphs = [graph]
        model.buffers = self._buffers
        return write_model(model)
