# SPDX-License-Identifier: Apache-2.0
"""Networks over both units on a real MicroPython, against tflite_micro's own run."""

from __future__ import annotations

from pathlib import Path

import pytest
from edges import edge_model, svdf_model
from graphs import mixed_graph
from running import application
from variables import variable_model

from hocket_host.machines import micropython
from hocket_tools.pack.packed import Packed
from hocket_tools.run.run import setup_of
from hocket_tools.verify.verifier import Verifier

pytestmark = pytest.mark.needs("micropython")


def verified_on_micropython(packed: Packed, jobs: int, policy: str) -> None:
    """Run so many jobs of each task, every output held against the reference's."""
    application = packed.application
    verifier = Verifier({n: application.resolve(t.model) for n, t in application.tasks.items()})
    slowest = max(task.period_ns for task in packed.image.tasks)
    micropython.run(setup_of(packed, policy=policy), (jobs + 1) * slowest, verifier.on_job)
    assert verifier.mismatches == []
    assert min(verifier.checked[task.name] for task in packed.image.tasks) >= jobs


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
    verified_on_micropython(packed, 5, "edf")


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["fifo", "fp", "edf", "rr"])
def test_many_graphs_take_turns_on_micropython(tmp_path: Path, policy: str) -> None:
    seed = {"fifo": 2000, "fp": 2010, "edf": 2020, "rr": 2030}[policy]
    models = {f"n{i}": (mixed_graph(seed + i), f"on-cpu = [{i}]") for i in range(4)}
    verified_on_micropython(application(tmp_path, models), 100, policy)
