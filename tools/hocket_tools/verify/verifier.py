# SPDX-License-Identifier: Apache-2.0
"""Outputs of an emulated run compared with the oracles', bit for bit, as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.machines.results import Frame

from ..reference.layered import LayeredOracle, WholeOnlyError
from ..reference.oracle import TFLITE_MICRO, EndedError, Oracle, OracleError
from ..reference.process import ReferenceProcess
from ..tflite.file import ModelFile


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
    start from the same state and stay together. All of a verifier's references run in one process
    of their own.

    Parameters
    ----------
    models
        The original model by task: a path, or a file with the signature.
    """

    models: Mapping[str, Path | ModelFile]
    checked: dict[str, int] = field(default_factory=dict)
    """Jobs compared, by task."""
    mismatches: list[Mismatch] = field(default_factory=list)
    """The first of each task."""
    _oracles: dict[str, Oracle | LayeredOracle] = field(default_factory=dict)
    _known: dict[tuple[str, bytes], Frame] = field(default_factory=dict)
    _started: ReferenceProcess | None = None

    @property
    def judged(self) -> dict[str, dict[str, list[str]]]:
        """By task: which layers another oracle than tflite_micro judged, by that oracle."""
        found = {}
        for task, oracle in self._oracles.items():
            if isinstance(oracle, LayeredOracle):
                others = {e: layers for e, layers in oracle.judged.items() if e != TFLITE_MICRO}
                if others:
                    found[task] = others
        return found

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
        try:
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
        except OracleError as error:
            raise _of(self.models[task], error) from None
        return known

    @property
    def _process(self) -> ReferenceProcess:
        if self._started is None or not self._started.alive:
            self._started = ReferenceProcess()
        return self._started

    def _opened(self, task: str) -> Oracle | LayeredOracle:
        model = self._read(task)
        try:
            return Oracle(model, process=self._process)
        except OracleError as error:
            return self._layered(model, error)

    def _layered(self, model: bytes, error: OracleError) -> LayeredOracle:
        """Layer by layer, where an error about the whole names no layer."""
        try:
            return LayeredOracle(model, self._process)
        except WholeOnlyError:
            raise error from None

    def _read(self, task: str) -> bytes:
        model = self.models[task]
        return (ModelFile(model) if isinstance(model, Path) else model).read()

    def _referred(self, task: str, oracle: Oracle | LayeredOracle, inputs: Frame) -> Frame:
        try:
            return tuple(oracle.run(inputs))
        except OracleError as error:
            if isinstance(oracle, LayeredOracle) or (oracle.stateful and self.checked.get(task)):
                raise
            instead = self._oracles[task] = self._layered(self._read(task), error)
            found = tuple(instead.run(inputs))
            if isinstance(error, EndedError):
                # Each layer alone is well; the whole is not to be relied on.
                raise
            return found


def _of(model: Path | ModelFile, error: OracleError) -> OracleError:
    """The reference's error, with the file that it is about."""
    error.where = str(model) if error.where is None else f"{model}: {error.where}"
    return error


def _ordered(values: NDArray[Any]) -> NDArray[np.int64]:
    """Values as integers in the same order; those of floats differ wherever the bits do."""
    if values.dtype != np.float32:
        return values.astype(np.int64)
    bits = np.ascontiguousarray(values).view(np.int32).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & 0x7FFFFFFF) - 1)
