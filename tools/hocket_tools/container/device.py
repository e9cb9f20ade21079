# SPDX-License-Identifier: Apache-2.0
"""Constants of the device's modules, read from the sources that the device runs.

MicroPython inlines a module's own constants only. So what a module needs of another one's is a
copy, marked with what it is a copy of (``_MASK = const(0x3FFFFFFF)  # as port._MASK``); `hocket lab
generate` writes their values.
What the host packs for the device by position, it takes from the device's module too: see `Words`.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

_COPY = re.compile(r"^(_\w+ = const\().*(\)  # as ([\w.]+)\.(\w+))$", re.MULTILINE)
_ORIGINAL = r"^{} = const\(([^)]*)\)"
_WORD = re.compile(r"_([A-Z]\w*) = const\((\d+)\)")


def package() -> Path:
    """The folder of the device's package."""
    spec = find_spec("hocket")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("no package hocket")
    return Path(spec.origin).parent


def _text(folder: Path, module: str) -> str:
    path = folder.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text("utf-8")


@cache
def constants(module: str) -> dict[str, Any]:
    """What the upper-case names of a module stand for, without a leading underscore.

    Parameters
    ----------
    module
        Its name inside the package, such as ``ops.conv``.
    """
    found: dict[str, Any] = {"const": lambda value: value}
    for node in ast.parse(_text(package(), module)).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            with suppress(NameError):  # what is made of what is no constant
                if name.isupper():
                    found[name] = eval(compile(ast.Expression(node.value), name, "eval"), found)
    return {name.lstrip("_"): value for name, value in found.items() if name.isupper()}


def copied(path: Path, folder: Path) -> str:
    """Text of a module of the package in a folder, its copies with the values of the originals."""

    def refreshed(match: re.Match[str]) -> str:
        head, tail, module, name = match.groups()
        original = re.search(_ORIGINAL.format(name), _text(folder, module), re.MULTILINE)
        if original is None:
            raise LookupError(f"no constant {module}.{name}, of which there is a copy")
        return f"{head}{original[1]}{tail}"

    return _COPY.sub(refreshed, path.read_text("utf-8"))


class Words:
    """A block of 32-bit words that a module of the device reads by position.

    It is defined there: constants in the order of their values, under a comment that begins with
    ``# Words of`` and the block's name. The last one says where the block ends.
    """

    def __init__(self, module: str, name: str = "the parameters") -> None:
        block = _text(package(), module).partition(f"# Words of {name}")[2].partition("\n\n")[0]
        found = [(line[1].lower(), int(line[2])) for line in _WORD.finditer(block)]
        self._widths = {a: end - at for (a, at), (_, end) in pairwise(found)}
        self.size = found[-1][1]
        """Where it ends: its words, unless it begins behind others."""

    def width(self, name: str) -> int:
        """How many words one of its names is for."""
        return self._widths[name]

    def pack(self, **values: int | Sequence[int] | bytes) -> bytes:
        """Pack a block, all of whose words must be given: integers, or blocks that are packed."""
        if values.keys() != self._widths.keys():
            raise TypeError(f"words {sorted(values)}, must be {sorted(self._widths)}")
        parts = []
        for name, width in self._widths.items():
            value = values[name]
            if not isinstance(value, bytes):
                value = words(*(value if isinstance(value, Sequence) else (value,)))
            if len(value) != 4 * width:
                raise TypeError(f"{len(value)} bytes of {name}, must be {4 * width}")
            parts.append(value)
        return b"".join(parts)


def words(*values: int) -> bytes:
    """Pack 32-bit words; the device reads all but multipliers as 30 bits and sign."""
    return b"".join(struct.pack("<I", int(v) & 0xFFFFFFFF) for v in values)
