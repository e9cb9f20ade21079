# SPDX-License-Identifier: Apache-2.0
"""Files of the repository that are made from others, and what makes each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..checkout import ROOT
from ..progress import Report, silent


@dataclass(frozen=True)
class Generated:
    """One file."""

    text: Callable[[], str]
    on_request: bool = False
    """Made only when it is named: it takes minutes, or follows the machine's C library."""
    in_part: bool = False
    """Only marked lines of it are made; the rest is written by hand."""


def _layout() -> str:
    from .layout import source

    return source()


def _features() -> str:
    from hocket_tools.frames.features.tables import build_tables

    from .features import source

    return source(build_tables())


def _operators() -> str:
    from ..cpu.page import render, rows

    return render(rows())


def _copied(path: Path) -> str:
    from hocket_tools.container.device import copied

    return copied(path, _FIRMWARE)


_FIRMWARE = ROOT / "firmware" / "hocket"
#: What marks a constant of the firmware that is a copy of another module's.
_COPY = ")  # as "
#: By path from the repository's root. Copies come second, because some are of what is generated.
GENERATED = {
    "firmware/hocket/_layout.py": Generated(_layout),
    **{
        path.relative_to(ROOT).as_posix(): Generated(partial(_copied, path), in_part=True)
        for path in sorted(_FIRMWARE.rglob("*.py"))
        if _COPY in path.read_text(encoding="utf-8")
    },
    "firmware/hocket/features/micro.py": Generated(_features, on_request=True),
    "docs/operators.md": Generated(_operators, on_request=True),
}


def stale(
    names: Sequence[str], report: Report = silent, root: Path = ROOT
) -> Iterator[tuple[Path, str]]:
    """Of some files those that are not current, with the text that they ought to have."""
    for done, name in enumerate(names):
        report(name, done, len(names))
        path, text = root / name, GENERATED[name].text()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield path, text
