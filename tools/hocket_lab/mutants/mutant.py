# SPDX-License-Identifier: Apache-2.0
"""A mutant: a file of a room with one place changed; and the draw of some."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .mutations import each
from .rooms import Room


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    room: str
    file: str
    """From the top folder."""
    line: int
    kind: str
    before: str
    """The line, or the lines, that it changes."""
    after: str
    text: str
    """All of the changed file."""

    @property
    def lines(self) -> tuple[str, str, str]:
        """By which it is known when other lines have moved it."""
        return self.file, self.before, self.after


def mutants_of(room: Room, root: Path) -> list[Mutant]:
    """All mutants of a room, in the order of its files and their text."""
    found: dict[str, Mutant] = {}
    for file in room.source_files(root):
        source = file.read_text(encoding="utf-8")
        name = file.relative_to(root).as_posix()
        for change, text in each(source):
            first = source.rfind("\n", 0, change.start) + 1
            last = source.find("\n", change.end)
            longer = len(text) - len(source)
            before, after = source[first:last], text[first : last + longer]
            found[text] = Mutant(
                room.name, name, change.line, change.kind, _line(before), _line(after), text
            )
    return list(found.values())


def draw(rooms: Sequence[Room], root: Path, count: int | None, seed: int) -> list[Mutant]:
    """Mutants of rooms, each as likely as any other; all of them without a count."""
    everything = [mutant for room in rooms for mutant in mutants_of(room, root)]
    if count is None or count >= len(everything):
        return everything
    return random.Random(seed).sample(everything, count)


def _line(text: str) -> str:
    return " ".join(text.split())
