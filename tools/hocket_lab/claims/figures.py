# SPDX-License-Identifier: Apache-2.0
"""Measured figures by name, and how a document writes them.

A figure is named by the command that measures it and by the keys in its JSON: ``overlap/ratio``. An
asterisk stands for every key or index; which of the values counts is said behind a bar:
``overlap/rows/*/least_ratio|min``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hocket_host.errors import HocketError

_REDUCE: dict[str, Callable[[list[float]], float]] = {"min": min, "max": max, "sum": sum}
_PLACEHOLDER = re.compile(
    r"(?P<name>[^{}|×~:]+(?:\|(?:min|max|sum))?)"
    r"(?:×(?P<factor>[\d.]+))?(?:~(?P<unit>\d+))?(?::(?P<format>.*))?"
)


class FigureError(HocketError):
    """A name or placeholder that stands for no figure."""


@dataclass(frozen=True)
class Placeholder:
    """A figure as a document writes it: ``name×factor~unit:format``."""

    name: str
    factor: float = 1
    """What the figure is multiplied by, such as 100 for per cent."""
    unit: int = 0
    """Rounded to a multiple of this, if it is given."""
    format: str = ""
    """As Python's own format specification."""

    @classmethod
    def parse(cls, text: str) -> Placeholder:
        """Read what stands between braces.

        Raises
        ------
        FigureError
            It is not of that form.
        """
        found = _PLACEHOLDER.fullmatch(text)
        if found is None:
            raise FigureError(
                "this names no figure", found=text, expected="name, or name×factor~unit:format"
            )
        factor, unit = float(found["factor"] or 1), int(found["unit"] or 0)
        return cls(found["name"], factor, unit, found["format"] or "")

    def show(self, value: float) -> str:
        """The figure as the document must write it."""
        scaled = value * self.factor if self.factor != 1 else value
        if self.unit:
            scaled = self.unit * round(scaled / self.unit)
        return format(scaled, self.format)


def read(folder: Path) -> dict[str, Any]:
    """Figures of every command that was run, by the command.

    Parameters
    ----------
    folder
        Where measuring targets write their JSON.
    """
    return {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}


def look_up(measured: Mapping[str, Any], name: str) -> float | None:
    """The figure of a name, or None if its command was not run, or not on that platform.

    Raises
    ------
    FigureError
        The command was run and has no such figure, or several and no way to choose.
    """
    path, _, reduce = name.partition("|")
    command, *keys = path.split("/")
    if command not in measured:
        return None
    values = list(_values(measured[command], keys))
    if not values and _was_missing(measured[command], keys):
        return None
    if not values or (len(values) > 1 and not reduce):
        raise FigureError(
            "no single figure has this name", where=name, found=f"{len(values)} figures",
            expected="one, or a bar with min, max or sum", try_=f"look into {command}.json",
        )  # fmt: skip
    return _REDUCE[reduce](values) if reduce else values[0]


def _values(tree: Any, keys: list[str]) -> Iterator[float]:
    if not keys:
        if isinstance(tree, (int, float)):
            yield tree
        return
    for child in _children(tree, keys[0]):
        yield from _values(child, keys[1:])


def _children(tree: Any, key: str) -> list[Any]:
    if isinstance(tree, Mapping):
        return list(tree.values()) if key == "*" else [tree[key]] if key in tree else []
    if isinstance(tree, list):
        return tree if key == "*" else tree[int(key) : int(key) + 1]
    return []


def _was_missing(tree: Any, keys: list[str]) -> bool:
    """Whether the platform that the keys lead to could not be measured."""
    for key in keys:
        if not isinstance(tree, Mapping):
            return False
        if tree.get("missing"):
            return True
        tree = tree.get(key)
    return False
