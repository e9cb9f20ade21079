# SPDX-License-Identifier: Apache-2.0
"""`hocket lab bench`: the benchmarks, each a ratio measured side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console

from hocket_tools.text.tables import plain_table

from .figures import AsJson, Models, Output, deliver, progress

if TYPE_CHECKING:
    from ..bench.model_speed import Speed


def bench(models: Models = None, output: Output = None, as_json: AsJson = False) -> None:
    """Time the NPU model, packing and the demonstration.

    The NPU model beside tflite_micro, packing beside Vela, segments beside whole networks.
    """
    from ..bench.benchmarks import run
    from ..checkout import MODELS
    from ..needs import require

    folder = models or MODELS
    require(models=folder)
    with progress("benchmarks") as report:
        figures, speeds = run(folder, report)
    deliver(
        figures, lambda console: _show(console, figures, speeds), output=output, as_json=as_json
    )


def _show(console: Console, figures: dict[str, Any], speeds: list[Speed]) -> None:
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
    for name, value in figures.items():
        for key, number in (value if isinstance(value, dict) else {"": value}).items():
            if not isinstance(number, dict):
                shown = f"{number:.3f}" if isinstance(number, float) else str(number)
                console.print(f"{name}{'.' if key else ''}{key} = {shown}")
