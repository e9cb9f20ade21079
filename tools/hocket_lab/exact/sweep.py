# SPDX-License-Identifier: Apache-2.0
"""Compares one-operator cases, and whole networks, on one accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.model import TfliteModel, read_bytes, read_tflite
from hocket_tools.vela import VelaOptions, compile_model

from .case import Case, patterns
from .device import Device
from .intermediates import NetworkMatch, TensorMatch, TensorSkip, compare_network


@dataclass(frozen=True, order=True)
class Difference:
    """One output element in which the two sides differ."""

    inference: int
    """Index of the input pattern."""
    output: int
    element: int
    """Flat index."""
    npu: int
    oracle: int


@dataclass(frozen=True)
class CaseResult:
    """One case on one accelerator."""

    case: str
    accelerator: str
    elements: int
    """Output elements compared, over all inferences."""
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class NetworkResult:
    """One network on one accelerator, over all inferences."""

    model: str
    accelerator: str
    tensors: tuple[TensorMatch, ...]
    """One an output or intermediate tensor: differences of all inferences together."""
    skipped: tuple[TensorSkip, ...]

    @property
    def mismatches(self) -> int:
        """Tensors that differ anywhere."""
        return sum(t.mismatches > 0 for t in self.tensors)


def check_case(case: Case, target: str | VelaOptions) -> CaseResult:
    """Run a case's inputs on both sides and collect every difference of the outputs.

    Parameters
    ----------
    case
        What to run.
    target
        Accelerator, compiled for with Vela's defaults, or all of Vela's options.
    """
    options = _options(target)
    model = case.model()
    source = read_tflite(model)
    oracle = Oracle(model, source)
    device = Device(compile_model(model, options))
    elements = 0
    found: list[Difference] = []
    for index, inputs in enumerate(feed(source, case)):
        expected = oracle.run(inputs)
        device.set_inputs(inputs)
        device.run()
        for output, (got, want) in enumerate(zip(device.outputs(), expected, strict=True)):
            elements += want.size
            flat, reference = got.reshape(-1), want.reshape(-1)
            found += [
                Difference(index, output, int(at), int(flat[at]), int(reference[at]))
                for at in np.flatnonzero(flat != reference)
            ]
    return CaseResult(case.id, options.accelerator_config, elements, tuple(found))


def check_network(path: Path, target: str | VelaOptions) -> NetworkResult:
    """Compare every tensor of a network that the NPU computes.

    Parameters
    ----------
    path
        The .tflite file.
    target
        Accelerator, compiled for with Vela's defaults, or all of Vela's options.

    Raises
    ------
    VelaError
        The model does not go onto the NPU as a whole.
    OracleError
        tflite_micro does not run it.
    """
    model = read_bytes(path)
    source = read_tflite(model)
    options = _options(target)
    compiled = compile_model(model, options)
    oracle = Oracle(model, source)
    device = Device(compiled)
    rounds = [
        compare_network(compiled, device, oracle, inputs) for inputs in feed(source, path.stem)
    ]
    return NetworkResult(path.stem, options.accelerator_config, _merged(rounds), rounds[0].skipped)


def _options(target: str | VelaOptions) -> VelaOptions:
    return target if isinstance(target, VelaOptions) else VelaOptions(target)


def feed(source: TfliteModel, case: Case | str) -> list[tuple[NDArray[Any], ...]]:
    """Inputs of each inference: the patterns of all inputs side by side.

    Parameters
    ----------
    source
        The model.
    case
        The case that it is of, or a name that seeds the random patterns.
    """
    tensors = [source.main.tensors[i] for i in source.main.inputs]
    columns = [
        patterns(case, t.dtype, t.shape, index)
        if isinstance(case, str)
        else case.inputs(t.dtype, t.shape, index)
        for index, t in enumerate(tensors)
    ]
    return list(zip(*columns, strict=True))


def _merged(rounds: Sequence[NetworkMatch]) -> tuple[TensorMatch, ...]:
    merged = []
    for same in zip(*(r.tensors for r in rounds), strict=True):
        details = [f"inference {index}, {m.detail}" for index, m in enumerate(same) if m.mismatches]
        merged.append(
            TensorMatch(
                same[0].name,
                sum(m.elements for m in same),
                sum(m.mismatches for m in same),
                details[0] if details else "",
            )
        )
    return tuple(merged)
