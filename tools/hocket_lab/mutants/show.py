# SPDX-License-Identifier: Apache-2.0
"""The figures on a console: a table by room, then the survivors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from .report import Result


def show(console: Console, results: Sequence[Result], found: dict[str, Any]) -> None:
    """Print what was found."""
    table = Table("room", "mutants", "killed", "share", "equivalent")
    for name, row in {**found["by_room"], "all": found}.items():
        share = f"{100 * row['ratio']:.0f} %"
        table.add_row(name, *map(str, (row["total"], row["killed"], share, row["equivalent"])))
    console.print(table)
    if len(results) < found["wanted"]:
        console.print(f"{found['wanted'] - len(results)} of {found['wanted']} were not tried")
    for result in sorted(results, key=lambda r: (r.mutant.file, r.mutant.line)):
        mutant = result.mutant
        if result.killed and result.equivalent is not None:
            console.print(
                f"judged equivalent, yet killed: {mutant.file}:{mutant.line} {mutant.after}",
                markup=False,
            )
        elif not result.killed:
            why = "" if result.equivalent is None else f"\n    equivalent: {result.equivalent.why}"
            console.print(
                f"{mutant.file}:{mutant.line}\n  - {mutant.before}\n  + {mutant.after}{why}",
                markup=False,
            )
