# SPDX-License-Identifier: Apache-2.0
"""`hocket lab generate`: files of the repository that are made from others."""

from __future__ import annotations

from typing import Annotated

import typer

from ..checkout import ROOT
from .figures import progress


def generate(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Files, from the repository's root; by default those that are quickly made.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if one is not current.")
    ] = False,
) -> None:
    """Write the files that are generated, or check them."""
    from hocket_host.errors import HocketError

    from ..generate.files import GENERATED, stale
    from ..needs import require

    for name in names or ():
        if name not in GENERATED:
            raise HocketError("no such generated file", found=name, expected=", ".join(GENERATED))
    require(checkout=ROOT / "firmware" / "hocket")
    chosen = names or [name for name, file in GENERATED.items() if not file.on_request]
    changed = []
    with progress("generating") as report:
        for path, text in stale(chosen, report):
            changed.append(path)
            if not check:  # at once, because what follows may be made from it
                path.write_text(text, encoding="utf-8")
    for path in changed:
        if check:
            typer.echo(f"{path} is not current: hocket lab generate", err=True)
        else:
            typer.echo(f"wrote {path}")
    if check and changed:
        raise typer.Exit(1)
