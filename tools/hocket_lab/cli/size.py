# SPDX-License-Identifier: Apache-2.0
"""`hocket lab size`: flash and heap of the ARM image, against their budgets."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .figures import AsJson, Output, deliver, progress


def size(
    board: Annotated[str, typer.Option(help="Folder under firmware/boards.")] = "corstone300",
    build_dir: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the images.")] = Path(
        "build/firmware"
    ),
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Build the ARM image and measure its flash and heap.

    Exit code 1 if one of them is above its budget.
    """
    from hocket_tools.image import build
    from hocket_tools.run import BACK_ENDS, missing

    from ..image.size import measure
    from ..image.small import run_keyword_spotter
    from ..needs import require

    require(
        programs={"qemu-system-arm": "qemu-system-arm"},
        any_of={name: missing(name) for name in BACK_ENDS},
    )
    with progress("building") as report:
        images = build(board, output=build_dir, report=report)
        report("heap of the kernel")
        sizes = measure(images[0])
        report("keyword spotter on the small heap")
        small = run_keyword_spotter(images[-1].elf)
    sizes = replace(sizes, heap_64k_used_bytes=small.used, heap_64k_free_bytes=small.free)

    def show(console: Console) -> None:
        for told in (*images, sizes, small):
            console.print(str(told), markup=False)

    deliver(asdict(sizes), show, output=output, as_json=as_json)
    if sizes.over_budget:
        raise typer.Exit(1)
