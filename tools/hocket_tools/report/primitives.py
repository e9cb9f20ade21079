# SPDX-License-Identifier: Apache-2.0
"""What `hocket inspect --primitives` shows: every way to run a layer, and which one was taken."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape

from hocket_host.units import format_size

from ..app.application import Application
from ..pack.compile import compile_networks
from ..pack.place import place_operators
from ..pack.primitives import Choice, scratch_bytes
from ..pack.target import resolve_target
from ..text.tables import clip, plain_table


def summary(application: Application) -> dict[str, Any]:
    """Candidates and choices of each task's operators on the CPU.

    Parameters
    ----------
    application
        An application file; its networks are compiled, not cut.

    Returns
    -------
    dict
        By task, bytes of ``arena`` and shared ``scratch``, the budget ``sram`` or None, and the
        ``layers``; cycles are those of the board's CPU.

    Raises
    ------
    HocketError
        A network does not compile, or its operators do not fit the task's SRAM budget.
    """
    target = resolve_target(application)
    report = {}
    for name, placed in place_operators(target, compile_networks(target)).items():
        network, choices = placed.network, placed.choices
        report[name] = {
            "arena": network.arena_size + network.fast_size,
            "scratch": scratch_bytes(choices),
            "sram": application.tasks[name].sram,
            "layers": [_layer(choice) for choice in choices],
        }
    return report


def _layer(choice: Choice) -> dict[str, Any]:
    operator = choice.operator
    return {
        "layer": operator.name,
        "operator": operator.source.kind,
        "type": operator.source.outputs[0].dtype
        if operator.source.outputs
        else operator.source.input(1).dtype,
        "index": operator.source_index,
        "chosen_by_user": operator.chosen,
        "runs_on": choice.runs_on,
        "candidates": [
            {
                "primitive": packed.primitive,
                "cycles": packed.cycles,
                "cpu_steps": packed.steps,
                "step_cycles": packed.step_cycles,
                "scratch": packed.scratch_bytes,
                "params": len(packed.params),
                "picked": packed is choice.packed,
            }
            for packed in choice.candidates
        ],
    }


def render(report: dict[str, Any], console: Console) -> None:
    """Print a `summary` as a table a task."""
    for task, network in report.items():
        layers = network["layers"]
        if not layers:
            console.print(f"\n{escape(task)}: every layer runs on the NPU", highlight=False)
            continue
        table = plain_table(
            *("layer", "operator", "primitive", "cycles", "steps", "longest", "scratch"),
            title=f"\nPrimitives of {task}",
        )
        for layer in layers:
            name = clip(layer["layer"].split(";")[0], max(console.width - 66, 16))
            for candidate in layer["candidates"]:
                mark = "✓ " if candidate["picked"] else "  "
                table.add_row(
                    escape(name),
                    layer["operator"].lower(),
                    mark + candidate["primitive"],
                    str(candidate["cycles"]),
                    str(candidate["cpu_steps"]),
                    str(candidate["step_cycles"]),
                    format_size(candidate["scratch"]),
                )
                name = ""
        console.print(table)
        budget = f" of {format_size(network['sram'])}" if network["sram"] else ""
        arena, scratch = format_size(network["arena"]), format_size(network["scratch"])
        console.print(f"SRAM{budget}: arena {arena}, shared scratch {scratch}", highlight=False)
