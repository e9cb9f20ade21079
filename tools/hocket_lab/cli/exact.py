# SPDX-License-Identifier: Apache-2.0
"""`hocket lab exact`: every tensor of the NPU model against tflite_micro."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hocket_tools.text.tables import plain_table

from .figures import Accelerators, AsJson, Models, Output, deliver, progress

if TYPE_CHECKING:
    from ..exact.suite import ExactnessReport


def exact(
    models: Models = None,
    accelerator: Accelerators = None,
    cases: Annotated[bool, typer.Option(help="Compare the one-operator cases, too.")] = True,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="List tensors that are not compared, too.")
    ] = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Compare the NPU model with tflite_micro, exactly.

    Networks on every accelerator, one-operator cases on one, unless accelerators are named.
    Exit code 1 if anything differs otherwise than pinned.
    """
    from hocket_host.errors import HocketError
    from hocket_host.ethosu.config import CONFIGS, npu_config

    from ..checkout import MODELS
    from ..exact.suite import DEFAULT_ACCELERATOR, run_suite
    from ..needs import require

    for name in accelerator or ():
        npu_config(name)
    folder = models or MODELS
    require(models=folder)
    with progress("comparing") as report:
        found = run_suite(
            folder,
            report,
            accelerators=accelerator or tuple(CONFIGS),
            case_accelerators=(accelerator or (DEFAULT_ACCELERATOR,)) if cases else (),
        )
    if not found.networks:
        raise HocketError(
            "no network was compared",
            where=folder,
            found="; ".join(f"{r.model} {r.accelerator}: {r.reason}" for r in found.refused),
            expected="at least one that goes onto the NPU as a whole",
            try_="name other models with --models, or another --accelerator",
        )
    deliver(
        found.as_dict(), lambda console: _show(console, found, skipped),
        output=output, as_json=as_json,
    )  # fmt: skip
    if found.mismatches or found.one_operator_mismatches:
        raise typer.Exit(1)


def _show(console: Console, report: ExactnessReport, skipped: bool) -> None:
    def line(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    table = plain_table("model", "accelerator", "tensors", "mismatches", "not compared")
    for network in report.networks:
        table.add_row(
            network.model,
            network.accelerator,
            str(len(network.tensors)),
            str(network.mismatches),
            str(len(network.skipped)),
        )
    console.print(table)
    for refusal in report.refused:
        line(f"{refusal.model} {refusal.accelerator} not compared: {refusal.reason}")
    for network in report.networks:
        name = f"{network.model} {network.accelerator}"
        for tensor in network.tensors:
            if tensor.mismatches:
                line(
                    f"{name} '{tensor.name}': {tensor.mismatches} of {tensor.elements} differ, "
                    f"{tensor.detail}"
                )
        for skip in network.skipped if skipped else ():
            line(f"{name} '{skip.name}': {skip.reason}")
    for case in report.unexpected():
        line(
            f"{case.case} {case.accelerator}: {len(case.differences)} of {case.elements} differ, "
            f"{case.differences[:1]}"
        )
    for figure, value in report.figures().items():
        line(f"{figure:<24} {value}")
