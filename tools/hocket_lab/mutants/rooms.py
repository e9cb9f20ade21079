# SPDX-License-Identifier: Apache-2.0
"""Which sources are broken, and which tests must notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hocket_host.errors import HocketError


@dataclass(frozen=True)
class Room:
    """Sources that belong together, and their tests; paths and patterns from the top folder."""

    name: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def source_files(self, root: Path) -> list[Path]:
        """Its sources, in order."""
        return _found(root, self.sources)

    def test_files(self, root: Path) -> list[Path]:
        """The files of its tests, in order."""
        return _found(root, self.tests)


_ON_THE_DEVICE = (
    "tests/firmware/test_device_dispatch.py",
    "tests/firmware/test_device_kernel.py",
    "tests/firmware/test_device_mixed.py",
    "tests/firmware/test_device_parts.py",
    "tests/firmware/test_device_sync.py",
    "tests/firmware/test_firmware_*.py",
    "tests/firmware/test_on_micropython.py",
)

ROOMS = (
    Room("segment", ("tools/hocket_tools/segment/*.py",), ("tests/tools/segment/test_*.py",)),
    Room("tile", ("tools/hocket_tools/tile/*.py",), ("tests/tools/tile/test_*.py",)),
    Room("plan", ("tools/hocket_tools/plan/*.py",), ("tests/tools/plan/test_*.py",)),
    Room("prove", ("tools/hocket_tools/prove/*.py",), ("tests/tools/prove/test_*.py",)),
    Room(
        "readers",
        (
            "tools/hocket_tools/container/reader.py",
            "tools/hocket_tools/container/programs.py",
            "tools/hocket_tools/container/envelope.py",
            "firmware/hocket/_reader.py",
            "firmware/hocket/container.py",
        ),
        ("tests/tools/container/test_*.py", "tests/firmware/test_container*.py"),
    ),
    Room("dispatch", ("firmware/hocket/dispatch.py",), _ON_THE_DEVICE),
    Room("agenda", ("firmware/hocket/agenda.py",), _ON_THE_DEVICE),
    Room("kernel", ("firmware/hocket/kernel.py",), _ON_THE_DEVICE),
)
BY_NAME = {room.name: room for room in ROOMS}


class RoomError(HocketError):
    """There is no such room."""


def chosen(names: Sequence[str]) -> list[Room]:
    """Rooms by their names; all of them without any.

    Raises
    ------
    RoomError
        One is not among them.
    """
    for name in names:
        if name not in BY_NAME:
            raise RoomError(f"no room {name!r}", expected=f"one of {', '.join(BY_NAME)}")
    return [room for room in ROOMS if not names or room.name in names]


def _found(root: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [file for pattern in patterns for file in sorted(root.glob(pattern))]
