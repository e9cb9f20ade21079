# SPDX-License-Identifier: Apache-2.0
"""Documents name files and targets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paths import ROOT

DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "build", "node_modules"} & set(path.relative_to(ROOT).parts)
)
#: Where a path in a text may begin, beside the root and the document's own folder.
PLACES = (
    *("firmware", "firmware/hocket", "firmware/boards", "firmware/boards/corstone300"),
    *("host", "host/hocket_host", "tools", "tools/hocket_tools", "tools/hocket_lab"),
    *("tools/hocket_tools/prove", "tests/data"),
)
NAMED = re.compile(r"`([\w.*/-]+/[\w.*/-]*|[\w-]+\.(?:py|c|md|resource|robot|repl|resc))`")
LINKED = re.compile(r"\]\(([^)#:]+)\)")
CALLED = re.compile(r"`make ([^`]+)`|^make ([^#\n]+)", re.MULTILINE)
#: What is made on the way, or elsewhere.
MADE = ("build/", "mine/", "dist/", ".venv/", "/", "../")


def exists(name: str, document: Path) -> bool:
    places = (ROOT, document.parent, *(ROOT / place for place in PLACES))
    return any(next(place.glob(name.rstrip("/")), None) is not None for place in places)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_names_are_there(document: Path) -> None:
    text = document.read_text()
    named = {*NAMED.findall(text), *LINKED.findall(text)}
    found = (n for n in sorted(named) if not n.startswith(MADE) and "NAME" not in n)
    assert [name for name in found if not exists(name, document)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_targets_that_a_document_names_are_in_the_makefile(document: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for quoted, line in CALLED.findall(document.read_text()):
        targets = {word for word in (quoted or line).split() if re.fullmatch(r"[a-z-]+", word)}
        assert targets <= known
