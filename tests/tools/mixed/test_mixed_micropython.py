# SPDX-License-Identifier: Apache-2.0
"""Networks over both units on a real MicroPython, against tflite_micro's own run."""

from __future__ import annotations

from pathlib import Path

import pytest
from edges import edge_model, svdf_model
from graphs import mixed_graph
from running import application
from variables import variable_model

from hocket_host import vm
from hocket_host.ethosu.config import npu_config
from hocket_tools.exactness.oracle import Oracle
from hocket_tools.inputs import open_inputs
from hocket_tools.pack import load_board, system_config
from hocket_tools.run import Packed

pytestmark = pytest.mark.skipif(vm.missing() is not None, reason=f"MicroPython: {vm.missing()}")


def on_micropython(packed: Packed, jobs: int) -> dict[str, list[bytes]]:
    """Outputs of each task's inferences."""
    application = packed.application
    found: dict[str, list[bytes]] = {}
    slowest = max(task.period_ns for task in packed.image.tasks)
    vm.run(
        packed.data,
        board=load_board(application),
        npu=npu_config(packed.image.accelerator),
        system=system_config(application),
        duration_ns=(jobs + 1) * slowest,
        sources=open_inputs(application, packed.image),
        on_output=lambda task, outputs: found.setdefault(task, []).append(outputs),
    )
    return found


def expected(packed: Packed, task: str, model: bytes, jobs: int) -> list[bytes]:
    """What the reference makes of the same frames."""
    oracle = Oracle(model)
    frames = open_inputs(packed.application, packed.image)[task]
    return [b"".join(o.tobytes() for o in oracle.run(next(frames))) for _ in range(jobs)]


@pytest.mark.parametrize(
    "models",
    [
        {"graph": mixed_graph(13), "other": edge_model("float32", "float32")},
        {"filters": svdf_model("int16"), "kept": variable_model("read v, mix, conv, assign v")},
    ],
    ids=["graphs", "state"],
)
def test_micropython_computes_what_tflite_micro_computes(tmp_path: Path, models) -> None:
    packed = application(tmp_path, {name: (model, "") for name, model in models.items()})
    outputs = on_micropython(packed, 5)
    for name, model in models.items():
        assert outputs[name][:5] == expected(packed, name, model, 5)
