# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.bench``: measure, print tables, write the figures as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from hocket_tools.app.application import load
from hocket_tools.pack.pack import pack
from hocket_tools.run import run as running
from hocket_tools.text.tables import plain_table
from hocket_tools.zoo.application import APPLICATION

from ..exact.suite import run_suite
from .packing import pack_over_vela
from .speed import Speed, figures, measure

_DEMO_NS = 3_000_000_000


def _speeds(console: Console, folder: Path) -> dict[str, Any]:
    speeds: list[Speed] = []
    for path in sorted(folder.glob("*.tflite")):
        with console.status(f"timing {path.stem}"):
            speed = measure(path)
        if speed is not None:
            speeds.append(speed)
    table = plain_table("model", "kernels", "NPU model", "tflite_micro", "speed ratio", "a kernel")
    for s in speeds:
        table.add_row(
            s.model,
            str(s.kernels),
            f"{s.ours_ns / 1000:.1f} µs",
            f"{s.reference_ns / 1000:.1f} µs",
            f"{s.ratio:.2f}",
            f"{s.ns_per_kernel / 1000:.2f} µs",
        )
    console.print(table)
    return figures(speeds)


def _demo() -> dict[str, Any]:
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


def main() -> None:
    """Run every benchmark."""
    parser = argparse.ArgumentParser(prog="python -m hocket_lab.bench", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("tests/models"), metavar="DIR")
    parser.add_argument("--output", type=Path, default=Path("build/bench.json"), metavar="FILE")
    arguments = parser.parse_args()
    console = Console()
    report: dict[str, Any] = {"npu_model_over_tflite_micro": _speeds(console, arguments.models)}
    with console.status("packing") as status:
        report["pack_over_vela"] = pack_over_vela(APPLICATION)
        status.update("running the demo")
        report["demo"] = _demo()
        exactness = run_suite(status.update, models=arguments.models)
    report["exactness"] = exactness.figures()
    for name, value in report.items():
        figure = value if isinstance(value, dict) else {"": value}
        for key, number in figure.items():
            if not isinstance(number, dict):
                shown = f"{number:.3f}" if isinstance(number, float) else str(number)
                console.print(f"{name}{'.' if key else ''}{key} = {shown}", highlight=False)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    console.print(f"wrote {arguments.output}", highlight=False)


if __name__ == "__main__":
    main()
