# SPDX-License-Identifier: Apache-2.0
"""`hocket run`: an application on the emulated board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Policy, Seconds, Verify, check_policy, virtual_time


def run(
    source: Annotated[Path, typer.Argument(help="A container (.hkt) or app.toml.")],
    seconds: Seconds = "1",
    policy: Policy = None,
    verify: Verify = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Beside run-to-completion of the uncut networks."),
    ] = False,
    worst: Annotated[
        bool,
        typer.Option("--worst", help="Let segments take their worst-case NPU cycles."),
    ] = False,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="Draw when each task had the NPU.")
    ] = False,
    trace: Annotated[
        Path | None,
        typer.Option(help="Write a trace that Perfetto opens (Chrome JSON) into a file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run networks in virtual time; outputs may be verified."""
    from rich.console import Console

    from ..pack.pack import pack
    from ..report.summary import render, render_timeline, summary
    from ..run import run as running
    from .files import open_source

    check_policy(policy)
    duration_ns = virtual_time(seconds)
    packed = open_source(source)
    outcomes = [running.execute(packed, duration_ns, policy=policy, verify=verify, worst=worst)]
    if compare:
        whole = pack(packed.application, cut="none")
        outcomes.insert(
            0, running.execute(whole, duration_ns, policy="fifo", verify=verify, worst=worst)
        )
    if trace is not None:
        from ..report.trace import write_trace

        last = outcomes[-1]
        board = packed.application.board.name
        write_trace(last.run, packed.image, trace, board=board, policy=last.policy)
    report = summary(packed.image, outcomes)
    if as_json:
        typer.echo(json.dumps(report, indent=2))
    else:
        console = Console()
        render(report, console)
        if timeline:
            render_timeline(outcomes, console)
    if any(o.verifier is not None and o.verifier.mismatches for o in outcomes):
        raise typer.Exit(1)
