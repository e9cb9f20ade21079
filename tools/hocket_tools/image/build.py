# SPDX-License-Identifier: Apache-2.0
"""Build the ARM image of a board."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import micropython_source, toolchain
from .errors import FirmwareError

FIRMWARE = Path(__file__).resolve().parents[3] / "firmware"

BOARD = "corstone300"
HEAP = 256 * 1024
SMALL_HEAP = 64 * 1024
_HEAPS = {"firmware": HEAP, "firmware-64k": SMALL_HEAP}

#: Suffixes of what an image is made of; a makefile has none.
_SOURCES = frozenset({".py", ".c", ".h", ".in", ".s", ".S", ".mk", ""})

# The banner carries a date. That of the pinned release, so that one source makes one image.
_EPOCH = "1744675200"


@dataclass(frozen=True)
class ArmImage:
    """A linked image and what its sections take, in bytes."""

    elf: Path
    heap: int
    text: int
    data: int
    bss: int
    """Zeroed and reserved memory without the heap."""

    def __str__(self) -> str:
        return (
            f"{self.elf.name}: text {self.text}, data {self.data}, bss {self.bss}, heap {self.heap}"
        )


def _board_dir(board: str) -> Path:
    folder = FIRMWARE / "boards" / board
    if not (folder / "Makefile").is_file():
        known = sorted(p.parent.name for p in FIRMWARE.glob("boards/*/Makefile"))
        raise FirmwareError(
            f"there is no port to build for {board!r}",
            where=folder,
            expected=f"one of {', '.join(known)}" if known else "a checkout of Hocket's repository",
            try_="run it in a checkout: a wheel does not carry the firmware's build",
        )
    return folder


def _make(folder: Path, variables: Mapping[str, object], jobs: int, log: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL"}}
    environment.setdefault("SOURCE_DATE_EPOCH", _EPOCH)
    command = ["make", "-C", str(folder), f"-j{jobs}"]
    command += [f"{name}={value}" for name, value in variables.items()]
    log.parent.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log.write_text(run.stdout)
    if run.returncode:
        lines = run.stdout.splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines[-5:]
        raise FirmwareError(
            "the build failed",
            where=folder,
            found="\n".join(errors[:5]),
            try_=f"look at {log}",
        )


def sections(elf: Path) -> dict[str, int]:
    """Sizes of the sections of an ELF file, in bytes."""
    run = subprocess.run(
        ["arm-none-eabi-size", "-A", str(elf)], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in run.stdout.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdigit()}


def _image(elf: Path) -> ArmImage:
    size = sections(elf)
    return ArmImage(
        elf=elf,
        heap=size[".heap"],
        text=size[".text"] + size.get(".ARM.exidx", 0),
        data=size[".data"],
        bss=size[".bss"] + size[".stack"],
    )


def _sources() -> str:
    """A digest of all that may be in an image, by content."""
    digest = hashlib.sha256()
    for file in sorted(f for f in FIRMWARE.rglob("*") if f.suffix in _SOURCES and f.is_file()):
        digest.update(f"{file.relative_to(FIRMWARE)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _stamp(output: Path, board: str) -> Path:
    return output / board / "sources.sha256"


def is_current(output: Path, board: str = BOARD) -> bool:
    """Whether the images of a board were built of the sources as they are."""
    stamp = _stamp(output, board)
    return stamp.is_file() and stamp.read_text() == _sources()


def built(output: Path, board: str = BOARD) -> list[ArmImage]:
    """The images of a board that Hocket ships, as they were built."""
    return [_image(output / board / f"{name}.elf") for name in _HEAPS]


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold a folder against other builds, which would take away what this one has made."""
    import fcntl  # only where the toolchain runs, unlike the rest of this module

    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(
    board: str = BOARD,
    *,
    output: Path,
    heaps: Mapping[str, int] | None = None,
    jobs: int | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[ArmImage]:
    """Build the images of a board.

    Parameters
    ----------
    board
        Folder under ``firmware/boards``.
    output
        Folder for the images and everything on the way.
    heaps
        Bytes of heap by the image's name; by default the two that Hocket ships.
    jobs
        How many compilers at once; as many as there are processors by default.
    report
        Called with a line at each stage.

    Raises
    ------
    FirmwareError
        A tool or source is missing, or the build fails.
    """
    folder = _board_dir(board)
    toolchain.require()
    output = output.resolve()
    with _alone(output):
        return _build(folder, output, heaps, jobs or os.cpu_count() or 1, report)


def _build(
    folder: Path,
    output: Path,
    heaps: Mapping[str, int] | None,
    jobs: int,
    report: Callable[[str], None],
) -> list[ArmImage]:
    report("MicroPython's source")
    tree = micropython_source.locate()
    cross = output / "mpy-cross"
    report(f"mpy-cross, from {tree}")
    _make(tree / "mpy-cross", {"BUILD": cross}, jobs, output / "mpy-cross.log")
    # MicroPython's makefile does not make it anew when only the names of the C code changed.
    # An image that is current stays as it is, though: somebody may be running it.
    sources, stamp = _sources(), _stamp(output, folder.name)
    if not is_current(output, folder.name):
        stamp.unlink(missing_ok=True)
        (output / folder.name / "frozen_content.c").unlink(missing_ok=True)
    images = []
    for name, heap in (heaps or _HEAPS).items():
        report(f"{name}.elf")
        variables = {
            "MICROPYTHON_DIR": tree,
            "BUILD": output / folder.name,
            "IMAGE": name,
            "HEAP_SIZE": heap,
            "MICROPY_MPYCROSS": cross / "mpy-cross",
            "PYTHON": sys.executable,
        }
        _make(folder, variables, jobs, output / folder.name / f"{name}.log")
        images.append(_image(output / folder.name / f"{name}.elf"))
    if heaps is None:
        stamp.write_text(sources)
    return images
