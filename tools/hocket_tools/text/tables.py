# SPDX-License-Identifier: Apache-2.0
"""The common style of printed tables."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table


def plain_table(first: str, *columns: str, title: str | None = None) -> Table:
    """A table without lines: a first column of text, then numbers on the right."""
    table = Table(
        title=None if title is None else escape(title),
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        header_style="dim",
    )
    table.add_column(first, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def clip(text: str, width: int) -> str:
    """Text in at most ``width`` columns, its end kept: that is where names differ."""
    return text if len(text) <= width else "…" + text[-max(width - 1, 1) :]
