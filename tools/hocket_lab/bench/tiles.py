# SPDX-License-Identifier: Apache-2.0
"""``python -m hocket_lab.bench.tiles``: what bounding pieces costs, model by model."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hocket_host.errors import HocketError
from hocket_host.ethosu.timing.system import SystemConfig, parse_system_config
from hocket_tools.vela import CompiledModel, VelaError, VelaOptions, compile_model
from hocket_tools.vela.options import vela_ini

from .figures import Figures, measure
from .mobilenet import mobilenet

#: The generated network, and by how much longer than the others its pieces may be.
GENERATED = "mobilenet_v2_random"
_GENERATED_FACTOR = 2


def system_of(compiled: CompiledModel) -> SystemConfig:
    """The system that a network was compiled for, as Vela's own configuration file has it."""
    return parse_system_config(
        vela_ini().read_text(encoding="utf-8"),
        compiled.npu,
        system_config=compiled.system_config,
        memory_mode=compiled.memory_mode,
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hocket_lab.bench.tiles",
        description="Cut every model into pieces no longer than a bound and time it.",
    )
    parser.add_argument(
        "--models", type=Path, default=Path("tests/models"), metavar="DIR",
        help="directory of .tflite files (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the figures as JSON")
    parser.add_argument(
        "--bound", type=int, default=10_000, metavar="N",
        help="NPU cycles that no operation should exceed (default: %(default)s; the generated "
        f"network is cut at {_GENERATED_FACTOR} times as many)",
    )  # fmt: skip
    parser.add_argument(
        "--accelerator", default="ethos-u55-128", metavar="A",
        help="Vela's --accelerator-config (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--no-generated", action="store_true", help="leave the generated network out"
    )
    return parser.parse_args(argv)


def _networks(arguments: argparse.Namespace) -> Iterator[tuple[str, Path | bytes, int]]:
    models: Path = arguments.models
    paths = sorted(models.glob("*.tflite")) if models.is_dir() else []
    if not paths:
        raise HocketError(
            "no models",
            found=str(models),
            expected="a directory with .tflite files",
            try_="name one with --models",
        )
    for path in paths:
        yield path.stem, path, arguments.bound
    if not arguments.no_generated:
        yield GENERATED, mobilenet(), _GENERATED_FACTOR * arguments.bound


def _table(found: dict[str, Figures], refused: dict[str, str]) -> Table:
    table = Table(
        "model", "bound", "operations", "longest before", "piece", "segment",
        "extra cycles", "model against Vela", "read-only bytes",
    )  # fmt: skip
    for name, f in found.items():
        table.add_row(
            name,
            f"{f.bound_cycles}",
            f"{f.operations_before} to {f.operations}",
            f"{f.longest_operation_before}",
            f"{f.max_piece_cycles}",
            f"{f.max_segment_cycles}",
            f"{100 * f.extra_cycles_ratio:+.2f}%",
            f"{100 * f.cycle_model_error:+.2f}%",
            f"{f.read_only - f.read_only_before:+d}",
        )
    for name, reason in refused.items():
        table.add_row(name, *["-"] * 7, reason)
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run; models that do not go onto the NPU as a whole are listed with the reason."""
    arguments = _arguments(argv)
    console, errors = Console(), Console(stderr=True)
    found: dict[str, Figures] = {}
    refused: dict[str, str] = {}
    options = VelaOptions(arguments.accelerator)
    try:
        with errors.status("cutting") as status:
            for name, source, bound in _networks(arguments):
                status.update(name)
                try:
                    compiled = compile_model(source, options)
                except VelaError as error:
                    if isinstance(source, bytes):
                        raise
                    refused[name] = error.message
                    continue
                found[name] = measure(compiled, bound, system_of(compiled))
        if arguments.output is not None:
            arguments.output.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({name: f.as_dict() for name, f in found.items()}, indent=2)
            arguments.output.write_text(text + "\n", encoding="utf-8")
    except HocketError as error:
        errors.print(str(error), markup=False, highlight=False)
        return 2
    console.print(_table(found, refused))
    return 0


if __name__ == "__main__":
    sys.exit(main())
