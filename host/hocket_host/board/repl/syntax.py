# SPDX-License-Identifier: Apache-2.0
"""What a platform description says, before anything is known of its types."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Place


@dataclass(frozen=True)
class Reference:
    """The name of another entry, or a word such as ``true``."""

    name: str


Scalar = int | str | bool | Reference


@dataclass(frozen=True)
class Attribute:
    """``name: value``."""

    name: str
    value: Scalar | tuple[Scalar, ...]
    place: Place


@dataclass(frozen=True)
class Registration:
    """Where an entry sits: ``@ sysbus 0x1000`` or ``@ sysbus <0x1000, +0x100>``."""

    parent: str
    address: int | None
    size: int | None
    place: Place


@dataclass(frozen=True)
class Wire:
    """``source -> target@number``; no source means the only output of the entry."""

    source: str | int | None
    target: str | None
    """None for ``-> none``."""
    number: int | None
    place: Place


@dataclass
class Entry:
    """A peripheral with all that was said of it, in one place or several."""

    name: str
    place: Place
    type: str | None = None
    type_place: Place | None = None
    registrations: list[Registration] = field(default_factory=list)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    wires: list[Wire] = field(default_factory=list)
    commands: list[tuple[str, Place]] = field(default_factory=list)
    """Lines of ``init:``, for Renode's Monitor."""


@dataclass
class Description:
    """A file with everything that it uses."""

    path: str
    entries: dict[str, Entry] = field(default_factory=dict)
