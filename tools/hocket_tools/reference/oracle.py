# SPDX-License-Identifier: Apache-2.0
"""The oracles: reference interpreters in a process of their own, with every tensor kept."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tflite.model import TfliteModel, read_tflite
from .process import EndedError, OracleError, ReferenceProcess, shared

__all__ = ["LITERT", "TFLITE_MICRO", "EndedError", "Oracle", "OracleError"]

#: The oracle of all that it has kernels for.
TFLITE_MICRO = "tflite_micro"
#: LiteRT's reference kernels, for what it has none for.
LITERT = "LiteRT"

#: What the interpreter keeps beside tensors: its own records and kernels' scratch.
_OVERHEAD = 4 << 20
_MOST_ARENA = 1 << 31


class Oracle:
    """Runs one model on a reference interpreter.

    Parameters
    ----------
    model
        Bytes of a .tflite file, in its normal form.
    source
        The same file as read, when the caller has it already.
    process
        Where it runs; a process shared with others by default.
    engine
        Which interpreter.

    Raises
    ------
    OracleError
        The interpreter has no kernel for an operator, or not for these types.
    """

    def __init__(
        self,
        model: bytes,
        source: TfliteModel | None = None,
        *,
        process: ReferenceProcess | None = None,
        engine: str = TFLITE_MICRO,
    ) -> None:
        self.source = source or read_tflite(model)
        self.engine = engine
        self._model = model
        self._own = process
        self._process = process or shared()
        self._number = self._opened()

    def _opened(self) -> int:
        number = self._process.open(
            self.engine,
            self._model,
            arena=_arena(self.source, self._model),
            outputs=len(self.source.main.outputs),
        )
        weakref.finalize(self, self._process.forget, number).atexit = False
        return number

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

        Raises
        ------
        OracleError
            A kernel fails, or ends the process.
        """
        if self._own is None and not self._process.alive and not self.stateful:
            # Another model ended the shared process.
            self._process = shared()
            self._number = self._opened()
        outputs = self._process.run(self.engine, self._number, inputs)
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
        return self._process.tensor(self.engine, self._number, index)


def _arena(source: TfliteModel, model: bytes) -> int:
    held = sum(
        t.elements * np.dtype(t.dtype).itemsize
        for graph in source.subgraphs
        for t in graph.tensors
        if t.data is None and t.dtype not in ("resource", "string", "variant")
    )
    size = 4 * held + len(model) + _OVERHEAD
    if size > _MOST_ARENA:
        raise OracleError(
            "the model's tensors are too large for the reference",
            found=f"{held} bytes",
            expected=f"at most {(_MOST_ARENA - _OVERHEAD) // 4}",
        )
    return size
