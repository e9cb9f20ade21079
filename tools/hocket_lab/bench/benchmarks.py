# SPDX-License-Identifier: Apache-2.0
"""All benchmarks of one run, as figures by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run import run as running
from hocket_tools.zoo.application import APPLICATION

from ..exact.suite import run_suite
from ..progress import Report, silent
from .model_speed import Speed, figures, measure
from .packing import pack_over_vela

_DEMO_NS = 3_000_000_000


def run(models: Path, report: Report = silent) -> tuple[dict[str, Any], list[Speed]]:
    """Run every benchmark.

    Parameters
    ----------
    models
        Folder of .tflite files.
    report
        Told of each step.

    Returns
    -------
    tuple
        Figures as plain values, and the speed of each network.
    """
    speeds: list[Speed] = []
    for path in sorted(models.glob("*.tflite")):
        report(f"timing {path.stem}")
        speed = measure(path)
        if speed is not None:
            speeds.append(speed)
    report("packing")
    over_vela = pack_over_vela(APPLICATION)
    report("running the demonstration")
    demonstration = _demonstration()
    return {
        "npu_model_over_tflite_micro": figures(speeds),
        "pack_over_vela": over_vela,
        "demo": demonstration,
        "exactness": run_suite(models, report).figures(),
    }, speeds


def _demonstration() -> dict[str, Any]:
    application = load(APPLICATION)
    whole = running.execute(pack(application, cut="none"), _DEMO_NS, policy="fifo")
    split = running.execute(pack(application), _DEMO_NS)
    top = min(range(len(split.run.tasks)), key=lambda i: split.run.tasks[i].priority)
    blocked, before = split.run.tasks[top].blocking_ns, whole.run.tasks[top].blocking_ns
    return {
        "fifo_misses": sum(task.misses for task in whole.run.tasks),
        "segments_misses": sum(task.misses for task in split.run.tasks),
        "top_task_blocking_ratio": blocked / before if before else None,
    }
