# SPDX-License-Identifier: Apache-2.0
"""The `hocket` command: one file a subcommand, heavy imports only when a subcommand runs."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer
from rich.console import Console

from hocket_host.errors import HocketError

from . import check, demo, doctor, emulate, firmware, inspect, npu_server, pack, report, run

app = typer.Typer(
    name="hocket",
    help="Several int8 networks take turns on one microcontroller NPU.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for command in (
    pack.pack,
    check.check,
    inspect.inspect,
    run.run,
    emulate.emulate,
    report.report,
    npu_server.npu_server,
    demo.demo,
    doctor.doctor,
):
    app.command()(command)
app.add_typer(firmware.firmware, name="firmware")
for entry in entry_points(group="hocket.commands"):
    entry.load()(app)


def main() -> None:
    """Run the command line; what is wrong with the input ends with exit code 2."""
    try:
        app()
    except HocketError as error:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", markup=False)
        sys.exit(2)
