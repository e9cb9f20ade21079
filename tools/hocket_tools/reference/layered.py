# SPDX-License-Identifier: Apache-2.0
"""A network judged layer by layer, where no one oracle has kernels for all of it.

tflite_micro computes each layer that it can, LiteRT's reference kernels the others; and where an
interpreter crashes, the layer has a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..tflite.model import Subgraph, TfliteOperator, read_tflite
from .alone import each_alone, given, lasting
from .oracle import LITERT, TFLITE_MICRO, EndedError, Oracle, OracleError
from .process import ReferenceProcess

#: Layers named before the rest are counted.
_SHOWN = 8


def litert_here() -> bool:
    """Whether LiteRT is installed."""
    return find_spec("ai_edge_litert") is not None


class WholeOnlyError(OracleError):
    """A network that no oracle runs as a whole, and that does not fall into layers."""


@dataclass
class _Layer:
    operator: TfliteOperator
    model: bytes
    oracle: Oracle


class LayeredOracle:
    """A network whose layers run one by one, each on the first oracle that has a kernel for it.

    Parameters
    ----------
    model
        Bytes of a .tflite file, in its normal form.
    process
        Where they run.

    Raises
    ------
    OracleError
        Some layers have a kernel nowhere, or one makes its interpreter crash; named.
    """

    def __init__(self, model: bytes, process: ReferenceProcess) -> None:
        self.source = read_tflite(model)
        self._process = process
        self._check_state()
        self._layers: list[_Layer] = []
        missing: list[tuple[TfliteOperator, OracleError]] = []
        for operator, alone in each_alone(model):
            try:
                oracle = self._opened(operator, alone, (TFLITE_MICRO, LITERT))
            except EndedError:
                raise
            except OracleError as error:
                missing.append((operator, error))
            else:
                self._layers.append(_Layer(operator, alone, oracle))
        if missing:
            raise unjudged([operator for operator, _ in missing], missing[0][1])

    @property
    def stateful(self) -> bool:
        """Whether an inference depends on those before it."""
        return any(t.is_variable for t in self.source.main.tensors)

    @property
    def judged(self) -> dict[str, list[str]]:
        """Layers by the oracle that judges them, in the file's order."""
        found: dict[str, list[str]] = {}
        for layer in self._layers:
            found.setdefault(layer.oracle.engine, []).append(str(layer.operator))
        return found

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Infer once, as `Oracle.run`.

        Raises
        ------
        OracleError
            With the layer that fails.
        """
        graph = self.source.main
        values: dict[int, NDArray[Any]] = dict(zip(graph.inputs, inputs, strict=True))
        for layer in self._layers:
            own = [_value(graph, values, i, layer.operator) for i in given(graph, layer.operator)]
            outputs = self._computed(layer, own)
            values.update(zip(layer.operator.outputs, outputs, strict=True))
        return [_value(graph, values, i, None) for i in graph.outputs]

    def _computed(self, layer: _Layer, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        try:
            return layer.oracle.run(inputs)
        except EndedError as error:
            raise _at(layer.operator, error) from None
        except OracleError as error:
            # Some kernels are prepared for types that they do not compute.
            if layer.oracle.engine == LITERT:
                raise _at(layer.operator, error) from None
            layer.oracle = self._opened(layer.operator, layer.model, (LITERT,), error)
        try:
            return layer.oracle.run(inputs)
        except OracleError as error:
            raise _at(layer.operator, error) from None

    def _opened(
        self,
        operator: TfliteOperator,
        alone: bytes,
        engines: tuple[str, ...],
        refusal: OracleError | None = None,
    ) -> Oracle:
        for engine in engines:
            if engine == LITERT and not litert_here():
                continue
            try:
                return Oracle(alone, process=self._process, engine=engine)
            except EndedError as error:
                raise _at(operator, error) from None
            except OracleError as error:
                refusal = refusal or error
        assert refusal is not None
        raise unjudged([operator], refusal)

    def _check_state(self) -> None:
        graph = self.source.main
        for operator in graph.operators:
            if lasting(graph, operator):
                raise WholeOnlyError(
                    "a network with variables or subgraphs is not judged layer by layer",
                    where=str(operator),
                    found="layers that tflite_micro does not run, beside this one",
                    expected="kernels of tflite_micro for all layers",
                    try_="run without --verify",
                )
        users = Counter(i for o in graph.operators for i in set(o.inputs) if i >= 0)
        for tensor in graph.tensors:
            if tensor.is_variable and users[tensor.index] > 1:
                raise WholeOnlyError(
                    "state that several layers share is not judged layer by layer",
                    where=f"tensor '{tensor.name}'",
                    found=f"{users[tensor.index]} layers",
                    expected="one",
                    try_="run without --verify",
                )


def unjudged(layers: Sequence[TfliteOperator], refusal: OracleError) -> OracleError:
    """The error about layers that no oracle here has a kernel for."""
    named = ", ".join(map(str, layers[:_SHOWN]))
    more = f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else ""
    install = "" if litert_here() else "pip install 'hocket[litert]' for a second oracle, or "
    return OracleError(
        "layers that no oracle judges",
        found=f"{named}{more}: {refusal.found}",
        expected="kernels of tflite_micro or of LiteRT",
        try_=f"{install}run without --verify",
    )


def _at(operator: TfliteOperator, error: OracleError) -> OracleError:
    error.where = str(operator)
    return error


def _value(
    graph: Subgraph, values: dict[int, NDArray[Any]], index: int, reader: TfliteOperator | None
) -> NDArray[Any]:
    tensor = graph.tensors[index]
    value = values.get(index)
    if value is None and tensor.data is not None:
        value = np.frombuffer(tensor.data, tensor.dtype)
    if value is None or value.size != tensor.elements:
        raise OracleError(
            "a tensor whose size is not the file's",
            where=f"tensor '{tensor.name}'" + (f" of {reader}" if reader else ""),
            found="no value" if value is None else f"{value.size} elements",
            expected=f"{tensor.elements} elements: {list(tensor.shape)}",
            try_="run without --verify; or export the model with fixed shapes",
        )
    return np.ascontiguousarray(value.astype(tensor.dtype).reshape(tensor.shape))
