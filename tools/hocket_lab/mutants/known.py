# SPDX-License-Identifier: Apache-2.0
"""What is known of mutants: those judged equivalent, and how earlier trials ended."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from .mutant import Mutant
from .rooms import Room
from .trial import Verdict

#: Survivors that no test can tell from the source, each with the reason.
EQUIVALENT = "tests/mutants.toml"


@dataclass(frozen=True)
class Equivalent:
    """A mutant that computes the same, by its lines."""

    file: str
    before: str
    after: str
    why: str


def equivalents(root: Path) -> dict[tuple[str, str, str], Equivalent]:
    """Those that were judged, by file and lines."""
    rows = tomllib.loads((root / EQUIVALENT).read_text(encoding="utf-8")).get("equivalent", [])
    judged = [Equivalent(**row) for row in rows]
    return {(one.file, one.before, one.after): one for one in judged}


class Past:
    """Verdicts of trials whose sources and tests are still the same."""

    def __init__(self, root: Path, file: Path, rooms: Mapping[str, Room], *, fresh: bool) -> None:
        self._root = root
        self._rooms = rooms
        self._file = file
        self._digests: dict[str, str] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        if file.is_file() and not fresh:
            self._rows = json.loads(file.read_text(encoding="utf-8"))

    def verdict(self, mutant: Mutant) -> Verdict | None:
        """How the mutant ended, if it would end so again."""
        row = self._rows.get(self._key(mutant))
        if row is None or row["by"] != self._by(mutant, row["killer"]):
            return None
        return Verdict(row["killer"], row["how"], {})

    def add(self, mutant: Mutant, verdict: Verdict) -> None:
        """Remember how a mutant ended."""
        self._rows[self._key(mutant)] = {
            "killer": verdict.killer,
            "how": verdict.how,
            "by": self._by(mutant, verdict.killer),
        }
        self._write()

    def _write(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._rows, indent=1), encoding="utf-8")

    def unbroken(self, room: Room) -> dict[str, float] | None:
        """Seconds that each test of a room takes, if neither they nor the sources changed."""
        row = self._rows.get(f"unbroken {room.name}")
        return row["seconds"] if row is not None and row["by"] == self._all(room) else None

    def add_unbroken(self, room: Room, seconds: Mapping[str, float]) -> None:
        """Remember what the tests of a room take."""
        self._rows[f"unbroken {room.name}"] = {"seconds": dict(seconds), "by": self._all(room)}
        self._write()

    def _all(self, room: Room) -> str:
        sources = [
            file.relative_to(self._root).as_posix() for file in room.source_files(self._root)
        ]
        return self._tests(room) + "".join(map(self._digest, sources))

    def _key(self, mutant: Mutant) -> str:
        return hashlib.sha256(f"{mutant.room}\0{mutant.file}\0{mutant.text}".encode()).hexdigest()

    def _by(self, mutant: Mutant, killer: str) -> str:
        """Digest of the tests that decided: the one that failed, or all of the room."""
        if killer and (self._root / killer.partition("::")[0]).is_file():
            return self._digest(killer.partition("::")[0])
        return self._tests(self._rooms[mutant.room])

    def _tests(self, room: Room) -> str:
        folders = {file.parent for file in room.test_files(self._root)}
        beside = sorted(file for folder in folders for file in folder.glob("*.py"))
        names = [file.relative_to(self._root).as_posix() for file in beside]
        return hashlib.sha256("".join(map(self._digest, names)).encode()).hexdigest()

    def _digest(self, name: str) -> str:
        if name not in self._digests:
            data = (self._root / name).read_bytes()
            self._digests[name] = hashlib.sha256(data).hexdigest()
        return self._digests[name]
