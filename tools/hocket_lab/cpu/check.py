# SPDX-License-Identifier: Apache-2.0
"""Compares packed operators with tflite_micro, on MicroPython or on CPython."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hocket_host.errors import HocketError
from hocket_host.machines.cpython.process_memory import ProcessMemory
from hocket_host.machines.cpython.shims import installed
from hocket_tools.cpu.packing import PackedOperator, element_bytes
from hocket_tools.cpu.registry import candidates, pack
from hocket_tools.cpu.variables import SETTLED, read_variables
from hocket_tools.reference.oracle import Oracle
from hocket_tools.tflite.model import TfliteModel, read_tflite
from hocket_tools.tflite.operators import SourceOperator, read_source

from ..exact.case import Case

_SCRIPT = "import sys; sys.path.insert(0, {!r}); from hocket.ops.testing import main; main({!r})"
_VM_TIMEOUT_S = 1200
#: Heap of the virtual machine; jobs hold their tensors as text.
_VM_HEAP = "heapsize=256m"


class CheckError(HocketError):
    """The comparison itself did not run."""


@dataclass(frozen=True)
class Result:
    """One case by one primitive."""

    case: str
    kind: str
    dtype: str
    primitive: str
    elements: int
    mismatches: int
    steps: int
    detail: str


Job = dict[str, Any]


def _firmware() -> Path:
    spec = importlib.util.find_spec("hocket")
    if spec is None or spec.origin is None:
        raise CheckError("the firmware package is not installed", expected="hocket")
    return Path(spec.origin).parents[1]


def _described(packed: PackedOperator) -> dict[str, Any]:
    return {
        "code": packed.code,
        "params": packed.params.hex(),
        "inputs": list(packed.inputs),
        "outputs": list(packed.outputs),
        "scratch": packed.scratch_bytes,
    }


def job_of(
    name: str,
    model: TfliteModel,
    source: SourceOperator,
    packed: PackedOperator,
    rounds: Sequence[tuple[Sequence[NDArray[Any]], Sequence[NDArray[Any]]]],
) -> Job:
    """Describe a comparison for the device: bytes in hexadecimal.

    Parameters
    ----------
    name
        What results are called by.
    model, source, packed
        A model of one operator, and the operator by one primitive.
    rounds
        Inputs and expected outputs of each inference, in the model's order.
    """
    used = {*packed.inputs, *packed.outputs}
    main = model.main
    constants: dict[str, str] = {}
    for index in used:
        tensor = main.tensors[index]
        if tensor.data is not None:
            constants[str(index)] = tensor.data.hex()
        elif tensor.is_variable:
            zero = tensor.quantization.zero_points[0] if tensor.quantization else 0
            byte = zero & 0xFF if tensor.dtype == "int8" else 0
            constants[str(index)] = (
                bytes([byte]) * (tensor.elements * element_bytes(tensor))
            ).hex()

    def values(
        indices: Sequence[int], arrays: Sequence[NDArray[Any]], wanted: Iterable[int]
    ) -> dict[str, str]:
        return {
            str(i): np.ascontiguousarray(a).tobytes().hex()
            for i, a in zip(indices, arrays, strict=True)
            if i in wanted
        }

    return {
        "id": name,
        "operators": [_described(packed)],
        "tensors": {
            str(i): main.tensors[i].elements * element_bytes(main.tensors[i]) for i in used
        },
        "constants": constants,
        "rounds": [
            [values(main.inputs, given, used), values(main.outputs, want, used)]
            for given, want in rounds
        ],
    }


def network_job(
    name: str,
    data: bytes,
    rounds: Sequence[tuple[Sequence[NDArray[Any]], Sequence[NDArray[Any]]]],
) -> Job:
    """Describe a whole network that runs on the CPU alone, each operator by its cheapest way.

    Parameters
    ----------
    name
        What the result is called by.
    data
        Bytes of a .tflite file.
    rounds
        Inputs and expected outputs of each inference; state goes on from one to the next.

    Raises
    ------
    OperatorError
        An operator is not supported.
    """
    model = read_tflite(data)
    memory = {}
    constants = {}
    for variable in read_variables(data, model):
        place = variable.handles[0]
        constants[place] = variable.initial
        memory.update(dict.fromkeys(variable.handles, place))
    operators = [
        pack(operator) for operator in read_source(data, model) if operator.kind not in SETTLED
    ]
    used = {i for packed in operators for i in (*packed.inputs, *packed.outputs)}
    tensors = {}
    for index in used - set(memory):
        tensor = model.main.tensors[index]
        tensors[index] = tensor.elements * element_bytes(tensor)
        if tensor.data is not None:
            constants[index] = tensor.data
    tensors.update({place: len(constants[place]) for place in memory.values()})

    def places(packed: PackedOperator) -> dict[str, Any]:
        described = _described(packed)
        for side in ("inputs", "outputs"):
            described[side] = [memory.get(i, i) for i in described[side]]
        return described

    def values(indices: Sequence[int], arrays: Sequence[NDArray[Any]]) -> dict[str, str]:
        pairs = zip(indices, arrays, strict=True)
        return {str(i): np.ascontiguousarray(a).tobytes().hex() for i, a in pairs}

    main = model.main
    return {
        "id": name,
        "operators": [places(packed) for packed in operators],
        "tensors": {str(i): size for i, size in tensors.items()},
        "constants": {str(i): contents.hex() for i, contents in constants.items()},
        "rounds": [
            [values(main.inputs, given), values(main.outputs, want)] for given, want in rounds
        ],
    }


def jobs_of(case: Case) -> list[tuple[Job, SourceOperator, PackedOperator]]:
    """Every primitive of a one-operator case, with the oracle's outputs.

    Raises
    ------
    OperatorError
        The operator is not supported.
    OracleError
        tflite_micro does not run the case.
    """
    from ..exact.sweep import feed

    data = case.model()
    model = read_tflite(data)
    source = read_source(data, model)[0]
    ways = list(candidates(source))
    oracle = Oracle(data, model)
    rounds = [(given, oracle.run(given)) for given in feed(model, case)]
    return [
        (job_of(f"{case.id}/{packed.primitive}", model, source, packed, rounds), source, packed)
        for packed in ways
    ]


def run_on_micropython(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Run jobs on a MicroPython virtual machine, with the heap locked in each step.

    Raises
    ------
    CheckError
        The machine ended before all jobs were done.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "jobs.json"
        file.write_text("".join(json.dumps(job) + "\n" for job in jobs))
        run = subprocess.run(
            [sys.executable, "-m", "micropython", "-X", _VM_HEAP, "-c",
             _SCRIPT.format(str(_firmware()), str(file))],
            capture_output=True, text=True, check=False, timeout=_VM_TIMEOUT_S,
        )  # fmt: skip
    lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
    if run.returncode or len(lines) != len(jobs):
        raise CheckError(
            "MicroPython did not finish",
            found=f"{len(lines)} of {len(jobs)} jobs, status {run.returncode}: {run.stderr[-999:]}",
            expected="a result of each job",
        )
    found = [json.loads(line) for line in lines]
    for result in found:
        if "error" in result:
            raise CheckError(
                "an operator failed on MicroPython",
                where=result["id"],
                found=f"{result['error']}: {run.stdout[-1500:]} {run.stderr[-1500:]}",
            )
    return found


def run_on_cpython(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Run jobs on this interpreter over the shims."""
    with installed(ProcessMemory()):
        from hocket.ops.testing import check

        return [check(job) for job in jobs]
