# SPDX-License-Identifier: Apache-2.0
"""Board descriptions: a file of constants that firmware and host both read.

A name is looked up among the boards of the package (or of the repository that it is installed from
in place); a path may be a board's folder or its ``board.py``.
"""

from __future__ import annotations

import runpy
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import HocketError

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "boards", _PACKAGE.parent.parent / "firmware" / "boards")


class BoardError(HocketError):
    """A board that does not exist, or whose description is incomplete or contradictory."""


@dataclass(frozen=True)
class Board:
    """Clocks, memory map, interrupt numbers and CPU costs of a board."""

    name: str
    """Its ``NAME``, or else the name of its folder."""
    path: Path
    cpu_hz: int
    npu_base: int
    npu_irq: int
    flash_base: int
    flash_size: int
    sram_base: int
    sram_size: int
    arena_base: int
    """Pool of all arenas; inside the SRAM."""
    arena_size: int
    uart0_base: int
    dispatch_cpu_cycles: int
    """From the NPU's interrupt to the start of the next segment."""
    resume_cpu_cycles: int
    """From the end of a wait to the submission of an inference, or to the body going on."""
    npu_secure_base: int | None = None
    """A second address of the NPU."""
    container_base: int | None = None
    note_base: int | None = None
    """Where whoever loads an image leaves a note if the machine is not quite as described here."""
    note_magic: int | None = None
    """What the note begins with."""
    uart0_tx_irq: int | None = None
    uart0_rx_irq: int | None = None
    timer0_base: int | None = None
    timer0_irq: int | None = None
    irq_cpu_cycles: int = 0
    """Entry of every interrupt, where the measured dispatch cost does not include it."""
    release_cpu_cycles: int = 0
    """Release of a job, before anything is resumed."""
    completion_cpu_cycles: int = 0
    """From the end of a body through its job's completion until the kernel looks for more."""


def _constants(*, required: bool) -> list[str]:
    """Names of constants, which are those of the fields in capitals."""
    return [
        field.name.upper()
        for field in fields(Board)
        if field.name not in {"name", "path"} and (field.default is MISSING) == required
    ]


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.is_file():
        return path
    if (path / "board.py").is_file():
        return path / "board.py"
    for place in _PLACES:
        file = place / str(name_or_path) / "board.py"
        if file.is_file():
            return file
    known = sorted({f.parent.name for place in _PLACES for f in place.glob("*/board.py")})
    raise BoardError(
        "unknown board",
        found=repr(str(name_or_path)),
        expected=f"one of {', '.join(known)}, or the path of a board.py or of its folder",
        try_="copy one of the boards that come with hocket and change its constants",
    )


def load(name_or_path: str | Path) -> Board:
    """Read a board description.

    Raises
    ------
    BoardError
        There is none, it cannot be run, or constants are missing (all are listed), of the wrong
        type or contradictory.
    """
    file = _find(name_or_path)
    try:
        constants: dict[str, Any] = runpy.run_path(str(file))
    except Exception as error:
        raise BoardError(
            "the board description does not run",
            where=file,
            found=f"{type(error).__name__}: {error}",
            expected="plain constants, without imports",
        ) from error
    required = _constants(required=True)
    missing = [name for name in required if name not in constants]
    if missing:
        raise BoardError(
            "the board description is incomplete",
            where=file,
            found=f"no {', '.join(missing)}",
            expected=", ".join(required),
            try_="add the missing constants",
        )
    given = [name for name in required + _constants(required=False) if name in constants]
    for name in given:
        value = constants[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise BoardError(
                f"{name} is no whole number",
                where=file,
                found=repr(value),
                expected="an integer, 0 or more",
            )
    values: dict[str, int] = {name.lower(): constants[name] for name in given}
    board = Board(name=str(constants.get("NAME", file.parent.name)), path=file, **values)
    _check(board)
    return board


def _check(board: Board) -> None:
    if board.cpu_hz == 0:
        raise BoardError("CPU_HZ is zero", where=board.path, found="0", expected="a frequency")
    sram_end = board.sram_base + board.sram_size
    arena_end = board.arena_base + board.arena_size
    if not board.sram_base <= board.arena_base <= arena_end <= sram_end:
        raise BoardError(
            "the arena pool is not inside the SRAM",
            where=board.path,
            found=f"ARENA {board.arena_base:#x}..{arena_end:#x}",
            expected=f"inside SRAM {board.sram_base:#x}..{sram_end:#x}",
            try_="change ARENA_BASE or ARENA_SIZE",
        )
    if board.arena_base % 16:
        raise BoardError(
            "the arena pool is not aligned",
            where=board.path,
            found=f"ARENA_BASE {board.arena_base:#x}",
            expected="a multiple of 16, as the NPU's base pointers are",
        )
