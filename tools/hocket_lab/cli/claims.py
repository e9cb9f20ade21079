# SPDX-License-Identifier: Apache-2.0
"""`hocket lab claims`: figures of the documents against what was measured last."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..checkout import ROOT
from .figures import AsJson, Output, deliver

if TYPE_CHECKING:
    from ..claims.claims import Finding


def claims(
    measured: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the measured figures (.json).")
    ] = Path("build"),
    record: Annotated[
        bool, typer.Option("--record", help="Write what was measured to docs/measured.json.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write measured figures into the documents.")
    ] = False,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="Compare with docs/measured.json instead.")
    ] = False,
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Hold the figures of documents to what was measured.

    The claims are listed in docs/claims.toml. Exit code 1 if a document says something else than
    was measured; what was not measured is named.
    """
    from ..claims.claims import check, load
    from ..claims.claims import write as write_documents
    from ..claims.figures import look_up, read
    from ..claims.record import record as write_record
    from ..claims.record import recorded as read_record
    from ..needs import require

    listed, kept = ROOT / "docs" / "claims.toml", ROOT / "docs" / "measured.json"
    require(checkout=listed)
    every = load(listed)
    found = read(measured)
    if record:
        write_record(kept, every, found)
    known = read_record(kept).get if recorded else partial(look_up, found)
    if write:
        for document in write_documents(every, known, ROOT):
            typer.echo(f"wrote {document}", err=True)
    findings = list(check(every, known, ROOT))
    counts = Counter(finding.verdict for finding in findings)
    figures = {
        "claims": len(findings),
        "hold": counts["holds"],
        "differ": counts["differs"],
        "not_measured": counts["not measured"],
        "differences": [str(f) for f in findings if f.verdict == "differs"],
    }
    deliver(figures, lambda console: _show(console, findings), output=output, as_json=as_json)
    if counts["differs"]:
        raise typer.Exit(1)


def _show(console: Console, findings: list[Finding]) -> None:
    def line(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    unmeasured: Counter[str] = Counter()
    for finding in findings:
        if finding.verdict == "differs":
            line(str(finding))
        elif finding.verdict == "not measured":
            unmeasured.update({p.name.split("/")[0] for p in finding.claim.placeholders})
    for command, count in sorted(unmeasured.items()):
        line(f"not measured (make {command}): claims {count}")
    held = sum(finding.verdict == "holds" for finding in findings)
    line(f"{held} of {len(findings)} claims hold")
