# SPDX-License-Identifier: Apache-2.0
"""`hocket report`: an application and one run of it as an HTML file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import Policy, Seconds, Verify, check_policy, virtual_time


def report(
    source: Annotated[Path, typer.Argument(help="A container (.hkt) or app.toml.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HTML file to write.")] = Path(
        "report.html"
    ),
    seconds: Seconds = "1",
    policy: Policy = None,
    verify: Verify = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the report's data to standard output instead.")
    ] = False,
) -> None:
    """Write one run of an application as an HTML file."""
    from rich.console import Console

    from hocket_host.units import format_size

    from .. import report as reporting
    from ..run import run as running
    from .files import open_source

    check_policy(policy)
    duration_ns = virtual_time(seconds)
    with Console(stderr=True).status("packing"):
        packed = open_source(source)
    with Console(stderr=True).status("running"):
        outcome = running.execute(packed, duration_ns, policy=policy, verify=verify)
    told = reporting.build(packed, outcome)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    size = reporting.write(told, output)
    typer.echo(f"{output}: {format_size(size)}")
