# SPDX-License-Identifier: Apache-2.0
"""The figures that documents are held to, kept beside them as they were measured last.

A fresh checkout has measured nothing. The record lets its tests notice a document whose figure was
changed by hand; that the record itself is current is what measuring shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .claims import Claim
from .figures import look_up


def recorded(path: Path) -> dict[str, float]:
    """Figures by name."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def record(path: Path, claims: list[Claim], measured: Mapping[str, Any]) -> dict[str, float]:
    """Write what was measured of the figures that are claimed; what was not stays as it was.

    Returns
    -------
    dict
        What was written.
    """
    before = recorded(path)
    names = dict.fromkeys(p.name for claim in claims for p in claim.placeholders)
    values = {name: look_up(measured, name) for name in names}
    now = {n: before.get(n) if value is None else value for n, value in values.items()}
    kept = {name: value for name, value in now.items() if value is not None}
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return kept
