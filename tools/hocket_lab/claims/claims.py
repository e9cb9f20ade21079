# SPDX-License-Identifier: Apache-2.0
"""The list of claims, and whether each holds."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hocket_host.errors import HocketError

from .figures import Placeholder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_BRACES = re.compile(r"\{([^{}]+)\}")
_NUMBER = r"([-+]?\d[\d,]*(?:\.\d+)?)"
_KEYS = {"in", "says", "figure", "equals", "at_least", "at_most", "within"}

Verdict = Literal["holds", "differs", "not measured"]


class ClaimError(HocketError):
    """A claim that is not one, or that no document makes."""


@dataclass(frozen=True)
class Claim:
    """Words of a document and the figures behind them."""

    document: str
    """From the repository's root."""
    says: str
    """Words with placeholders for figures, or without, for a bound."""
    figure: Placeholder | None = None
    """What a bound is about."""
    equals: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    within: float = 0
    """By which share a figure may differ that depends on the machine."""

    @property
    def placeholders(self) -> list[Placeholder]:
        """Every figure that it is about."""
        found = [Placeholder.parse(text) for text in _BRACES.findall(self.says)]
        return [*found, self.figure] if self.figure is not None else found


@dataclass(frozen=True)
class Finding:
    """What came of one claim."""

    claim: Claim
    verdict: Verdict
    detail: str = ""
    """What the document says and what was measured, or which figure was not."""

    def __str__(self) -> str:
        return f"{self.claim.document}: {self.detail or self.verdict}"


def load(path: Path) -> list[Claim]:
    """Read the list of claims.

    Raises
    ------
    ClaimError
        One of them lacks something, or has a key that there is not.
    """
    with path.open("rb") as file:
        tables = tomllib.load(file)["claim"]
    return [_claim(table, f"{path.name}, claim {i + 1}") for i, table in enumerate(tables)]


def _claim(table: Mapping[str, Any], where: str) -> Claim:
    unknown = set(table) - _KEYS
    bounds = [key for key in ("equals", "at_least", "at_most") if key in table]
    placeholders = bool(_BRACES.search(table.get("says", "")))
    if unknown or not {"in", "says"} <= set(table) or placeholders == bool(bounds):
        raise ClaimError(
            "this is no claim", where=where, found=", ".join(table),
            expected="in and says, with placeholders or with figure and a bound",
        )  # fmt: skip
    figure = Placeholder.parse(table["figure"]) if "figure" in table else None
    rest = {key: float(value) for key, value in table.items() if key in {*bounds, "within"}}
    return Claim(table["in"], table["says"], figure, **rest)


def check(
    claims: list[Claim], find: Callable[[str], float | None], root: Path
) -> Iterator[Finding]:
    """Hold claims to figures.

    Parameters
    ----------
    claims
        What is claimed.
    find
        The figure of a name, or None if it was not measured.
    root
        Of the repository, whose documents are read.

    Raises
    ------
    ClaimError
        A document does not say what it is held to.
    """
    for claim in claims:
        matches = _matches(claim, root)
        values = {p.name: find(p.name) for p in claim.placeholders}
        lacking = [name for name, value in values.items() if value is None]
        if lacking:
            yield Finding(claim, "not measured", f"not measured: {', '.join(lacking)}")
            continue
        known = {name: value for name, value in values.items() if value is not None}
        wrong = _bound(claim, known) if claim.figure else _written(claim, matches, known)
        yield Finding(claim, "differs" if wrong else "holds", wrong)


def write(claims: list[Claim], find: Callable[[str], float | None], root: Path) -> list[str]:
    """Put measured figures in the place of those that documents say.

    Parameters
    ----------
    claims, find, root
        As of `check`.

    Returns
    -------
    list of str
        Documents that were changed.
    """
    changed = []
    for finding in check(claims, find, root):
        claim = finding.claim
        if finding.verdict != "differs" or claim.figure is not None:
            continue
        shown = [p.show(find(p.name) or 0) for p in claim.placeholders]
        path = root / claim.document
        text = path.read_text(encoding="utf-8")
        for match in reversed(list(_pattern(claim).finditer(text))):
            for group in range(len(shown), 0, -1):
                text = text[: match.start(group)] + shown[group - 1] + text[match.end(group) :]
        path.write_text(text, encoding="utf-8")
        changed.append(claim.document)
    return list(dict.fromkeys(changed))


def _pattern(claim: Claim) -> re.Pattern[str]:
    """The words with a number for each placeholder, however lines are broken."""
    literal = (re.escape(part) for part in _BRACES.split(claim.says)[::2])
    return re.compile(_NUMBER.join(re.sub(r"(\\ )+", r"\\s+", part) for part in literal))


def _matches(claim: Claim, root: Path) -> list[tuple[str, ...]]:
    """The numbers in each place where a document says the words."""
    text = (root / claim.document).read_text(encoding="utf-8")
    found = [match.groups() for match in _pattern(claim).finditer(text)]
    if not found:
        raise ClaimError(
            "no document says so", where=claim.document, found=claim.says,
            expected="these words, with numbers for placeholders",
            try_="change the claim with the document: docs/claims.toml",
        )  # fmt: skip
    return found


def _written(claim: Claim, matches: list[tuple[str, ...]], values: Mapping[str, float]) -> str:
    wrong = []
    for numbers in matches:
        for number, placeholder in zip(numbers, claim.placeholders, strict=True):
            value = values[placeholder.name]
            shown = placeholder.show(value)
            if not _near(number, shown, claim.within):
                wrong.append(f"says {number}, measured {shown} ({placeholder.name} = {value})")
    return "; ".join(wrong)


def _near(says: str, shown: str, within: float) -> bool:
    if not within:
        return says == shown
    said, measured = (float(number.replace(",", "")) for number in (says, shown))
    return abs(said - measured) <= within * said


def _bound(claim: Claim, values: Mapping[str, float]) -> str:
    assert claim.figure is not None
    name = claim.figure.name
    value = values[name]
    bounds = {
        "equal to": (claim.equals, claim.equals is None or value == claim.equals),
        "at least": (claim.at_least, claim.at_least is None or value >= claim.at_least),
        "at most": (claim.at_most, claim.at_most is None or value <= claim.at_most),
    }
    wrong = [f"{words} {bound:g}" for words, (bound, holds) in bounds.items() if not holds]
    return f"measured {value}, must be {', '.join(wrong)} ({name})" if wrong else ""
