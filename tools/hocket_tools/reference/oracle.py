# SPDX-License-Identifier: Apache-2.0
"""The oracle: tflite_micro's interpreter, with every tensor kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from hocket_host.errors import HocketError

from ..tflite.model import TfliteModel, read_tflite

#: What the interpreter keeps beside tensors: its own records and kernels' scratch.
_OVERHEAD = 4 << 20


class OracleError(HocketError):
    """A model that tflite_micro does not run."""


class Oracle:
    """Runs one model on the reference interpreter.

    Parameters
    ----------
    model
        Bytes of a .tflite file.
    source
        The same file as read, when the caller has it already.

    Raises
    ------
    OracleError
        The interpreter has no kernel for an operator, or not for these types.
    """

    def __init__(self, model: bytes, source: TfliteModel | None = None) -> None:
        self.source = source or read_tflite(model)
        held = sum(
            t.elements * np.dtype(t.dtype).itemsize
            for graph in self.source.subgraphs
            for t in graph.tensors
            if t.data is None and t.dtype != "resource"
        )
        try:
            self._interpreter = runtime.Interpreter.from_bytes(
                model,
                arena_size=4 * held + len(model) + _OVERHEAD,
                intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors,
            )
        except (RuntimeError, ValueError) as error:
            raise OracleError(
                "tflite_micro refuses the model",
                found=str(error),
                expected="operators and types that tflite_micro has kernels for",
                try_="see the reason that tflite_micro prints on standard error",
            ) from None

    @property
    def stateful(self) -> bool:
        """Whether an inference depends on those before it."""
        return any(t.is_variable or t.dtype == "resource" for t in self.source.main.tensors)

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Infer once; variables of either kind keep their values from one call to the next.

        Parameters
        ----------
        inputs
            One array an input, of its shape and type.

        Returns
        -------
        list of ndarray
            The outputs.
        """
        for index, values in enumerate(inputs):
            self._interpreter.set_input(values, index)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise OracleError(
                "tflite_micro fails on the model",
                found=str(error),
                expected="types that tflite_micro's kernel computes",
                try_="see the reason that tflite_micro prints on standard error",
            ) from None
        outputs = [
            np.array(self._interpreter.get_output(i)) for i in range(len(self.source.main.outputs))
        ]
        self._clear_undetected(outputs)
        return outputs

    def _clear_undetected(self, outputs: list[NDArray[Any]]) -> None:
        """Zero rows behind the last detection, where the reference's memory is undefined."""
        places = {index: at for at, index in enumerate(self.source.main.outputs)}
        for operator in self.source.main.operators:
            if operator.kind == "TFLite_Detection_PostProcess":
                found = int(self.tensor(operator.outputs[3]).reshape(-1)[0])
                for index, width in zip(operator.outputs[:3], (4, 1, 1), strict=True):
                    if index in places:
                        outputs[places[index]].reshape(-1)[found * width :] = 0

    def tensor(self, index: int) -> NDArray[Any]:
        """Value of a tensor of the main subgraph after the last `run`."""
        return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])
