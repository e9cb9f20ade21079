# SPDX-License-Identifier: Apache-2.0
"""`hocket lab corpus`: which models of a folder run, exactly, and why the others do not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from hocket_host.units import format_ns, format_size
from hocket_tools.text.tables import plain_table

from .figures import AsJson, Output, deliver, progress

if TYPE_CHECKING:
    from ..corpus.table import Corpus


def corpus(
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of models of any format; by default the checkout's test networks, the "
            "zoo, and generated models of every kind.",
        ),
    ] = None,
    accelerator: Annotated[
        str, typer.Option(metavar="A", help="As Vela's option.")
    ] = "ethos-u55-128",
    seconds: Annotated[
        float, typer.Option(metavar="S", min=1, help="Longest time for one model.")
    ] = 300,
    memory: Annotated[
        int, typer.Option(metavar="MIB", min=256, help="Most memory for one model.")
    ] = 4096,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Pack, prove, run and verify every model of a folder, each in a process with limits.

    exact: outputs equal the oracle's bit for bit; on CPU: once the layers that Vela rounds in its
    own way are there. refused: with the reason. unjudged: it runs, and no oracle judges it. Exit
    code 1 if one is wrong or crashes, or a generated model comes to another verdict than it should.
    """
    from hocket_host.ethosu.config import npu_config

    from ..corpus.run import run_corpus

    npu_config(accelerator)
    with progress("judging") as report:
        found = run_corpus(
            models, report, accelerator=accelerator, seconds=seconds, memory_bytes=memory << 20
        )
    deliver(found.as_dict(), lambda console: _show(console, found), output=output, as_json=as_json)
    if found.unexpected:
        raise typer.Exit(1)


def _show(console: Console, corpus: Corpus) -> None:
    table = plain_table("model", "verdict", "seconds", "MB", "latency", "arena")
    for row in corpus.rows:
        latency, arena = row.result.get("latency_ns"), row.result.get("arena_bytes")
        table.add_row(
            row.asked.name,
            row.verdict,
            f"{row.result['seconds']:.1f}",
            f"{row.result['peak_mb']:.0f}",
            "" if latency is None else format_ns(latency),
            "" if arena is None else format_size(arena),
        )
    console.print(table)
    for row in corpus.rows:
        if row.reason:
            line = f"{row.asked.name}: {row.verdict}: {row.reason}"
            console.print(line, markup=False, soft_wrap=True)
    for row in corpus.unexpected:
        wanted = "exact or refused" if row.expected is None else row.expected.verdict
        console.print(
            f"{row.asked.name} should be {wanted}, and is {row.verdict}",
            markup=False,
            soft_wrap=True,
        )
    for figure, value in corpus.figures().items():
        console.print(f"{figure:<12} {value}", markup=False, soft_wrap=True)
