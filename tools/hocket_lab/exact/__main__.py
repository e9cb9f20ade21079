# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.exact``: compare your own models, or run the whole proof."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hocket_host.errors import HocketError
from hocket_host.ethosu.config import CONFIGS, npu_config

from .suite import DEFAULT_ACCELERATOR, ExactnessReport, run_suite


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hocket_lab.exact",
        description="Compare the NPU model with tflite_micro, element for element.",
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="directory of .tflite files to compare (default: the test networks)",
    )
    parser.add_argument(
        "--accelerator",
        action="append",
        metavar="A",
        help="Vela's --accelerator-config; may be repeated (default: every one for models, "
        f"{DEFAULT_ACCELERATOR} for cases)",
    )
    parser.add_argument("--no-cases", action="store_true", help="leave the one-operator cases out")
    parser.add_argument("--skipped", action="store_true", help="list tensors not compared, too")
    return parser.parse_args(argv)


def _print(console: Console, report: ExactnessReport, skipped: bool) -> None:
    if report.networks:
        table = Table("model", "accelerator", "tensors", "mismatches", "not compared")
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
        console.print(
            f"{refusal.model} {refusal.accelerator} not compared: {refusal.reason}",
            markup=False,
            highlight=False,
        )
    for network in report.networks:
        for tensor in network.tensors:
            if tensor.mismatches:
                console.print(
                    f"{network.model} {network.accelerator} '{tensor.name}': "
                    f"{tensor.mismatches} of {tensor.elements} differ, {tensor.detail}",
                    markup=False,
                )
        for skip in network.skipped if skipped else ():
            console.print(
                f"{network.model} {network.accelerator} '{skip.name}': {skip.reason}", markup=False
            )
    for case in report.unexpected():
        console.print(
            f"{case.case} {case.accelerator}: {len(case.differences)} of {case.elements} differ, "
            f"{case.differences[:1]}",
            markup=False,
        )
    for name, value in report.figures().items():
        console.print(f"{name:<24} {value}", highlight=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; the exit status is 1 when anything differs otherwise than pinned."""
    arguments = _arguments(argv)
    accelerators = arguments.accelerator
    console, errors = Console(), Console(stderr=True)
    try:
        for name in accelerators or ():
            npu_config(name)
        if arguments.models is not None and not arguments.models.is_dir():
            raise HocketError(
                "no such directory",
                found=str(arguments.models),
                expected="a directory of .tflite files",
            )
        with errors.status("comparing") as status:
            report = run_suite(
                status.update,
                models=arguments.models,
                accelerators=accelerators or tuple(CONFIGS),
                case_accelerators=()
                if arguments.no_cases
                else accelerators or (DEFAULT_ACCELERATOR,),
            )
    except HocketError as error:
        errors.print(str(error), markup=False, highlight=False)
        return 2
    _print(console, report, arguments.skipped)
    return 1 if report.mismatches or report.one_operator_mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
