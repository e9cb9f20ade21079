# SPDX-License-Identifier: Apache-2.0
"""Outputs of an emulated run compared with tflite_micro's, bit for bit, as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.machines.results import Frame

from ..reference.missing import failing, refused
from ..reference.oracle import Oracle, OracleError
from ..tflite.model import TfliteOperator

#: Layers named before the rest are counted.
_SHOWN = 8


@dataclass(frozen=True)
class Mismatch:
    """The first output of a task that differed."""

    task: str
    job: int
    """Ordinal of the completed job, from 0."""
    output: int
    elements: int
    """Elements that differ."""
    largest: int
    """Largest difference, in quantisation steps; of floats, in steps of their representation."""


@dataclass
class Verifier:
    """Runs the reference on each job's inputs; one instance follows one run.

    A network with state sees its inputs in the order of its jobs, as the reference does, so both
    start from the same state and stay together.

    Parameters
    ----------
    models
        Path of the original .tflite file by task.
    """

    models: Mapping[str, Path]
    checked: dict[str, int] = field(default_factory=dict)
    """Jobs compared, by task."""
    mismatches: list[Mismatch] = field(default_factory=list)
    """The first of each task."""
    _oracles: dict[str, Oracle] = field(default_factory=dict)
    _known: dict[tuple[str, bytes], Frame] = field(default_factory=dict)

    def on_job(self, task: str, inputs: Frame, outputs: Frame) -> None:
        """Compare one job."""
        expected = self._expected(task, inputs)
        job = self.checked.get(task, 0)
        self.checked[task] = job + 1
        if any(m.task == task for m in self.mismatches):
            return
        for index, (ours, theirs) in enumerate(zip(outputs, expected, strict=True)):
            difference = np.abs(_ordered(ours) - _ordered(theirs.reshape(ours.shape)))
            if difference.any():
                elements, largest = int(np.count_nonzero(difference)), int(difference.max())
                self.mismatches.append(Mismatch(task, job, index, elements, largest))
                return

    def _expected(self, task: str, inputs: Frame) -> Frame:
        oracle = self._oracles.get(task)
        if oracle is None:
            oracle = self._oracles[task] = self._opened(task)
        if oracle.stateful:
            return self._referred(task, oracle, inputs)
        # Inputs that repeat (a file in a loop) need the reference once only.
        key = (task, b"".join(part.tobytes() for part in inputs))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._referred(task, oracle, inputs)
        return known

    def _opened(self, task: str) -> Oracle:
        model = self.models[task].read_bytes()
        try:
            return Oracle(model)
        except OracleError as error:
            raise _unverifiable(self.models[task], error, refused(model)) from None

    def _referred(self, task: str, oracle: Oracle, inputs: Frame) -> Frame:
        try:
            return tuple(oracle.run(inputs))
        except OracleError as error:
            path = self.models[task]
            found = failing(path.read_bytes(), oracle)
            raise _unverifiable(path, error, () if found is None else (found,)) from None


def _unverifiable(model: Path, error: OracleError, layers: Sequence[TfliteOperator]) -> OracleError:
    """The reference's error, with what it is about and what runs all the same."""
    named = ", ".join(map(str, layers[:_SHOWN]))
    more = f" and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else ""
    about = f"; no reference for {named}{more}" if layers else ""
    return OracleError(
        error.message,
        where=model,
        found=error.found,
        expected=error.expected,
        try_=f"run without --verify{about} (tflite_micro's reason is on standard error)",
    )


def _ordered(values: NDArray[Any]) -> NDArray[np.int64]:
    """Values as integers in the same order; those of floats differ wherever the bits do."""
    if values.dtype != np.float32:
        return values.astype(np.int64)
    bits = np.ascontiguousarray(values).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF) - 1)
